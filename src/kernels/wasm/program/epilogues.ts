/**
 * Joins a convolution and the elementwise steps that follow it: each tile of the output then goes through them while it is
 * in the cache, and the convolution's own output needs no memory. Only where nothing else reads that output; in training,
 * batch normalisation and the backward part mostly do.
 */
import { isKernelStep, type KernelStep, type ProgramBuffer, type ProgramOperand } from '../../program.js';
import { sizeOf, type WasmCall } from '../kernel.js';
import { type ChainStep, chainStepOf, linkChain } from '../kernels/chain.js';
import { chainEpilogue } from '../kernels/chainEpilogue.js';
import { conv2dWithEpilogue } from '../kernels/conv2d.js';
import { conv2dInputGradientWithEpilogue } from '../kernels/conv2dInputGradient.js';
import { buffersRead, type FusedStep, isFused, type PartStep } from './fusedStep.js';

/** What joining pays for. */
export interface EpilogueLimits {
  /** Pixels of a plane: with fewer, the loop over a tile's planes costs more than one over all of them. */
  readonly pixels: number;
  /** Elements of the output: a smaller one is still in the third-level cache when all of it is complete. */
  readonly elements: number;
}

const LIMITS: EpilogueLimits = { pixels: 64, elements: 2 ** 21 };

type Convolution = KernelStep<'conv2d'> | KernelStep<'conv2dInputGradient'>;

const isConvolution = (step: PartStep): step is Convolution =>
  !isFused(step) && isKernelStep(step) && (step.kernel === 'conv2d' || step.kernel === 'conv2dInputGradient');

/**
 * @param steps The steps of a part, in order, chains joined.
 * @param needed Ids of the buffers that are read when the part has run.
 */
export function attachEpilogues(
  steps: readonly PartStep[],
  needed: ReadonlySet<number>,
  limits: EpilogueLimits = LIMITS,
): PartStep[] {
  const readers = readersOf(steps);
  const result: (PartStep | null)[] = [...steps];
  steps.forEach((step, index) => {
    if (!isConvolution(step)) return;
    const { buffer, shape } = step.outputs[0];
    if (buffer.length < limits.elements || sizeOf(shape.slice(2)) < limits.pixels) return;
    const [reader, ...others] = readers.get(buffer) ?? [];
    if (reader === undefined || others.length > 0 || needed.has(buffer.id)) return;
    const follower = result[reader];
    const joined = follower && join(step, follower);
    if (!joined) return;
    // What the chain reads besides may be made only now; what the convolution reads is still there.
    result[reader] = joined;
    result[index] = null;
  });
  return result.filter((step) => step !== null);
}

/** By buffer: the positions of the steps that read it. */
function readersOf(steps: readonly PartStep[]): Map<ProgramBuffer, number[]> {
  const readers = new Map<ProgramBuffer, number[]>();
  steps.forEach((step, index) => {
    for (const buffer of new Set(buffersRead(step))) readers.set(buffer, [...(readers.get(buffer) ?? []), index]);
  });
  return readers;
}

/** The steps of a chain, or of an elementwise step of its own. */
function chainOf(step: PartStep): { readonly members: ChainStep[]; readonly steps: readonly KernelStep[] } | null {
  if (!isFused(step) && !isKernelStep(step)) return null;
  const steps = isFused(step) ? step.steps : [step];
  const members = steps.map(chainStepOf);
  return members.every((member) => member !== null) ? { members, steps } : null;
}

/** Both as one step; null where that cannot be. */
function join(convolution: Convolution, follower: PartStep): FusedStep | null {
  const chain = chainOf(follower);
  if (!chain || !(isFused(follower) || isKernelStep(follower))) return null;
  const [output] = convolution.outputs;
  const inShape = ({ shape }: ProgramOperand): boolean =>
    shape.length === output.shape.length && shape.every((extent, axis) => extent === output.shape[axis]);
  if (!chain.steps.every(({ outputs }) => inShape(outputs[0]))) return null;
  // One of the results takes the place of the convolution's output.
  const primary = follower.outputs.find(({ dtype }) => dtype === output.dtype);
  const linked = linkChain(chain.members, follower.inputs, follower.outputs);
  if (!primary || !linked) return null;
  const nameOf = (kind: string, own: ProgramOperand) => (operand: ProgramOperand, index: number) =>
    operand.buffer === own.buffer ? 'output' : `${kind}${index}`;
  const names = {
    inputs: follower.inputs.map(nameOf('operand', output)),
    outputs: follower.outputs.map(nameOf('result', primary)),
  };
  const epilogue = chainEpilogue(linked, names, output);
  const call = epilogue && callOf(convolution, output, epilogue);
  if (!call) return null;
  return {
    steps: [convolution, ...chain.steps],
    inputs: [...convolution.inputs, ...follower.inputs.filter(({ buffer }) => buffer !== output.buffer)],
    outputs: [primary, ...follower.outputs.filter((each) => each !== primary)],
    inPlace: false,
    call,
  };
}

function callOf(
  step: Convolution,
  output: ProgramOperand,
  epilogue: NonNullable<ReturnType<typeof chainEpilogue>>,
): WasmCall | null {
  return step.kernel === 'conv2d'
    ? conv2dWithEpilogue(step.inputs, step.attributes, output, epilogue)
    : conv2dInputGradientWithEpilogue(step.inputs, step.attributes, output, epilogue);
}
