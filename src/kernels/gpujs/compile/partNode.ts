/**
 * A part of a program as nodes: each an array that one source computes, or a step that runs on the host. Here a kernel's program
 * has come apart into its steps, so that the passes that follow see sources and arrays and no kernels.
 */
import type { KernelName } from '../../contract.js';
import { inputsOf, isKernelStep, outputsOf, type ProgramBuffer, type ProgramStep } from '../../program.js';
import { writeProgram } from '../kernels/index.js';
import { placeOf } from '../program.js';
import { parseSource, rewriteReads, writeSource } from './sourceText.js';

/** Where values are: in what a node computes, or in a buffer that is there before the part runs. */
export interface ArrayPlace {
  readonly array: ComputedNode | ProgramBuffer;
  readonly offset: number;
}

export type NodeArgument = ArrayPlace | number;

/** An array that one source computes. */
export interface ComputedNode {
  readonly kind: 'computed';
  source: string;
  readonly length: number;
  /** In the order of the source's parameters. */
  arguments: readonly NodeArgument[];
  /** Whose result it is. */
  readonly kernel: KernelName;
}

/** A step without a program, or of the host. */
export interface HostNode {
  readonly kind: 'host';
  readonly step: ProgramStep;
  /** What it reads, in the order of the step's inputs. */
  readonly inputs: readonly ArrayPlace[];
}

export type PartNode = ComputedNode | HostNode;

export interface Part {
  /** In an order in which they can run. */
  readonly nodes: readonly PartNode[];
  /** Where the buffers are that the part's computed nodes make. Those of host nodes stand for themselves. */
  readonly places: ReadonlyMap<ProgramBuffer, ArrayPlace>;
}

export const isBuffer = (array: ComputedNode | ProgramBuffer): array is ProgramBuffer => 'origin' in array;

/** The arrays that a node or a launch reads. */
export const placesRead = (reader: HostNode | Pick<ComputedNode, 'arguments'>): readonly ArrayPlace[] =>
  'inputs' in reader ? reader.inputs : reader.arguments.filter((each) => typeof each !== 'number');

/**
 * The nodes of the steps on which `needed` depends. Steps of the host all stay.
 * @param onHost Whether all steps run on the host, because the device cannot hold what they are given.
 */
export function nodesOf(steps: readonly ProgramStep[], needed: ReadonlySet<ProgramBuffer>, onHost: boolean): Part {
  const places = new Map<ProgramBuffer, ArrayPlace>();
  /** Integers that reference kernels make, of which nobody knows whether they fit the device. */
  const unknown = new Set<ProgramBuffer>();
  const nodes: PartNode[] = [];
  for (const step of steps) {
    const inputs = inputsOf(step).map((buffer) => places.get(buffer) ?? { array: buffer, offset: 0 });
    const program =
      isKernelStep(step) && !onHost && !step.inputs.some(({ buffer }) => unknown.has(buffer))
        ? writeProgram(step.kernel, step.inputs, step.attributes, step.outputs)
        : undefined;
    if (!program || !isKernelStep(step)) {
      nodes.push({ kind: 'host', step, inputs });
      if (isKernelStep(step)) for (const buffer of outputsOf(step)) if (buffer.dtype === 'int32') unknown.add(buffer);
      continue;
    }
    const computed = program.steps.map(
      ({ length }): ComputedNode => ({ kind: 'computed', source: '', length, arguments: [], kernel: step.kernel }),
    );
    program.steps.forEach((each, index) => {
      const places = each.arguments.map((argument): NodeArgument => {
        if (typeof argument === 'number') return argument;
        if ('input' in argument) return inputs[argument.input];
        return { array: computed[argument.step], offset: argument.offset ?? 0 };
      });
      Object.assign(computed[index], withNumbers(each.source, places));
    });
    nodes.push(...computed);
    outputsOf(step).forEach((buffer, index) => {
      const { step: number, offset } = placeOf(program.outputs[index]);
      places.set(buffer, { array: computed[number], offset });
    });
  }
  return { nodes: liveNodes(nodes, needed, places), places };
}

/** A constant of one element, such as a factor, is an argument rather than an array, of which a launch can read few. */
function withNumbers(
  source: string,
  args: readonly NodeArgument[],
): { readonly source: string; readonly arguments: readonly NodeArgument[] } {
  const { parameters, body } = parseSource(source);
  const numbers = args.map((argument) => {
    if (typeof argument === 'number' || !isBuffer(argument.array)) return null;
    const { origin, length, values } = argument.array;
    return origin === 'constant' && length === 1 && values ? values[0] : null;
  });
  const names = parameters.filter((_, index) => numbers[index] !== null);
  if (names.length === 0) return { source, arguments: args };
  return {
    source: writeSource(
      parameters,
      rewriteReads(body, names, (name) => name),
    ),
    arguments: args.map((argument, index) => numbers[index] ?? argument),
  };
}

/** A kernel may compute more than is asked for, such as the gradient of an input that has none. */
function liveNodes(
  nodes: readonly PartNode[],
  needed: ReadonlySet<ProgramBuffer>,
  places: ReadonlyMap<ProgramBuffer, ArrayPlace>,
): PartNode[] {
  const live = new Set<ComputedNode | ProgramBuffer>([...needed].map((buffer) => places.get(buffer)?.array ?? buffer));
  return [...nodes]
    .reverse()
    .filter((node) => {
      if (node.kind === 'computed' && !live.has(node)) return false;
      for (const { array } of placesRead(node)) live.add(array);
      return true;
    })
    .reverse();
}
