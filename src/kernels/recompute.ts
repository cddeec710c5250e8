/**
 * Makes values of the forward part again in the backward part instead of keeping them: the output of an activation or of
 * a normalisation costs one more pass, but keeping it costs memory from the forward part on. What such a chain of
 * elementwise steps begins with must be kept for the backward part anyway: the output of a convolution whose batch
 * normalisation needs it, a parameter, statistics. (Chen et al., "Training Deep Nets with Sublinear Memory Cost",
 * 2016, with elementwise steps as the ones that are dropped.)
 *
 * The steps of a chain stand directly before the step that needs its result, so that they can run in one pass with it.
 */
import type { KernelName } from './contract.js';
import { bytesPerElement } from './dtype.js';
import type { NewBuffers } from './newBuffers.js';
import {
  type BackwardPart,
  inputsOf,
  isKernelStep,
  isReadStep,
  type KernelStep,
  outputsOf,
  type ProgramBuffer,
  type ProgramStep,
} from './program.js';

/**
 * Most elements of a value that is kept although it could be made again. Ranges of quantizers and statistics are far
 * below it; what is above would occupy memory for half a step.
 */
export const KEPT_ELEMENTS = 16384;

/** Kernels that cost a pass over their operands and no more. */
const ELEMENTWISE: ReadonlySet<KernelName> = new Set<KernelName>([
  'unary',
  'binary',
  'clamp',
  'select',
  'elu',
  'convert',
  'fakeQuantize',
  'batchNormInference',
]);

/**
 * Kernels whose results are kept where the backward part reads them: a quantized value is read by a gradient that takes
 * part in no chain, so that making it again is a pass of its own, and one with a division for each element.
 */
const KEPT: ReadonlySet<KernelName> = new Set<KernelName>(['fakeQuantize']);

/** Steps after which a value that was made again is still at hand. */
const PASSING: ReadonlySet<KernelName> = new Set<KernelName>([...ELEMENTWISE, 'fakeQuantizeGradient']);

/** Most steps of a chain. */
const CHAIN_STEPS = 8;
/** Most large values that a chain reads. More would be read again and again along the sums of a residual network. */
const CHAIN_LEAVES = 2;

const bytesOf = ({ dtype, length }: ProgramBuffer): number => length * bytesPerElement(dtype);

/** What the forward part of a program and its backward part have to do with each other. */
export interface ForwardValues {
  readonly steps: readonly ProgramStep[];
  /** Buffers of the forward part that have memory of their own, as results. */
  readonly results: readonly ProgramBuffer[];
  /** Buffers from outside that the backward part may read: those that nobody may change before it. */
  readonly saved: ReadonlySet<ProgramBuffer>;
}

export class Recomputation {
  /** Of each value that is made again, the steps that make it, in order. */
  readonly #chains = new Map<ProgramBuffer, readonly KernelStep[]>();
  readonly #buffers: NewBuffers;

  /**
   * Chooses what to make again.
   * @param part The backward part that reads most; others must read no more than it.
   * @param keptElements Most elements of a value that is always kept.
   */
  constructor(
    { steps, results, saved }: ForwardValues,
    part: BackwardPart,
    buffers: NewBuffers,
    keptElements = KEPT_ELEMENTS,
  ) {
    this.#buffers = buffers;
    const isLarge = ({ length }: ProgramBuffer): boolean => length > keptElements;
    const makers = new Map(steps.flatMap((step) => outputsOf(step).map((buffer) => [buffer, step] as const)));
    const shown = part.steps.flatMap((step) => (isReadStep(step) ? step.input : []));
    const fixed = new Set([...results, ...part.inputGradients, ...shown]);
    const read = new Set([...part.steps.flatMap(inputsOf), ...part.inputGradients]);
    const inOrder = [...makers.keys()].filter((buffer) => read.has(buffer));
    const candidates = inOrder.filter(
      (buffer) => isLarge(buffer) && !fixed.has(buffer) && isMadeAgain(makers.get(buffer)),
    );
    const undecided = new Set(candidates);
    /** What the backward part reads of the forward part. */
    const kept = new Set(inOrder.filter((buffer) => !undecided.has(buffer)));
    const canRead = (buffer: ProgramBuffer): boolean =>
      buffer.origin === 'constant' || kept.has(buffer) || saved.has(buffer);
    for (const buffer of candidates) {
      const chain = chainTo(buffer, { makers, fixed, canRead, isLarge });
      const added = chain ? [...chain.small].filter((each) => !kept.has(each)) : [];
      if (chain && added.reduce((sum, each) => sum + bytesOf(each), 0) < bytesOf(buffer)) {
        for (const each of added) kept.add(each);
        this.#chains.set(buffer, chain.steps);
      } else kept.add(buffer);
    }
  }

  /** The same part, with the values that are not kept made again where they are needed. */
  apply(part: BackwardPart): BackwardPart {
    const steps: ProgramStep[] = [];
    let made = new Map<ProgramBuffer, ProgramBuffer>();
    for (const step of part.steps) {
      if (!isKernelStep(step)) {
        steps.push(step);
        continue;
      }
      if (!PASSING.has(step.kernel)) made = new Map();
      const inputs = step.inputs.map((operand) => ({ ...operand, buffer: this.#again(operand.buffer, made, steps) }));
      steps.push({ ...step, inputs } as KernelStep);
      if (!PASSING.has(step.kernel)) made = new Map();
    }
    return { ...part, steps };
  }

  /** The buffer that has the values at this place of the backward part; adds the steps that make them. */
  #again(buffer: ProgramBuffer, made: Map<ProgramBuffer, ProgramBuffer>, steps: ProgramStep[]): ProgramBuffer {
    for (const step of this.#chains.get(buffer) ?? []) {
      const [output] = step.outputs;
      if (made.has(output.buffer)) continue;
      const copy = this.#buffers.like(output.buffer);
      const inputs = step.inputs.map((operand) => ({
        ...operand,
        buffer: made.get(operand.buffer) ?? operand.buffer,
      }));
      steps.push({ ...step, inputs, outputs: [{ ...output, buffer: copy }] } as KernelStep);
      made.set(output.buffer, copy);
    }
    return made.get(buffer) ?? buffer;
  }
}

const isElementwise = (step: ProgramStep | undefined): step is KernelStep =>
  step !== undefined && isKernelStep(step) && ELEMENTWISE.has(step.kernel);

const isMadeAgain = (step: ProgramStep | undefined): boolean => isElementwise(step) && !KEPT.has(step.kernel);

interface Chain {
  readonly steps: readonly KernelStep[];
  /** Small values of the forward part that the steps read. */
  readonly small: ReadonlySet<ProgramBuffer>;
}

/** What a chain may be made of. */
interface Sources {
  /** The steps of the forward part, by what they compute. */
  readonly makers: ReadonlyMap<ProgramBuffer, ProgramStep>;
  /** Values that a chain may not read unless they can be read already. */
  readonly fixed: ReadonlySet<ProgramBuffer>;
  canRead(buffer: ProgramBuffer): boolean;
  isLarge(buffer: ProgramBuffer): boolean;
}

/** The steps that make a value from values that can be read, and small ones; null if there are none, or too many. */
function chainTo(buffer: ProgramBuffer, { makers, fixed, canRead, isLarge }: Sources): Chain | null {
  const steps: KernelStep[] = [];
  const [large, small] = [new Set<ProgramBuffer>(), new Set<ProgramBuffer>()];
  const visited = new Set<ProgramBuffer>();
  const visit = (each: ProgramBuffer): boolean => {
    if (visited.has(each)) return true;
    visited.add(each);
    if (canRead(each)) {
      if (isLarge(each)) large.add(each);
      return large.size <= CHAIN_LEAVES;
    }
    const step = makers.get(each);
    if (!step || fixed.has(each)) return false;
    if (!isLarge(each)) {
      small.add(each);
      return true;
    }
    if (!isElementwise(step) || !inputsOf(step).every(visit)) return false;
    steps.push(step);
    return steps.length <= CHAIN_STEPS;
  };
  return visit(buffer) ? { steps, small } : null;
}
