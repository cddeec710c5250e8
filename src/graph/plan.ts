/**
 * A plan: what a graph computes for inputs of certain types, recorded as a program and compiled by the backend. The
 * graph is run on a recording backend, forward and backward, so nothing here knows an operation: the program comes from
 * the definitions themselves.
 */
import { backwardFrom } from '../autograd/tape.js';
import { BackendError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import type { TypedArray } from '../kernels/dtype.js';
import { optimizeProgram } from '../kernels/optimizeProgram.js';
import {
  type BackwardPart,
  type CompiledProgram,
  inputsOf,
  type ProgramBackend,
  type ProgramBuffer,
  RecordingBackend,
} from '../kernels/program.js';
import { addProgramCompiler } from '../kernels/wasm/program/index.js';
import { TRAINING_RULES } from '../ops/trainingRules.js';
import { withBackend } from '../tensor/backend.js';
import { sizeOf } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { executeGraph } from './execute.js';
import type { Graph, GraphNode, GraphValue } from './graph.js';

/** A backward part from some of the outputs. */
export interface PlannedBackward {
  readonly part: BackwardPart;
  /** Which of inputs and tensors receive gradients, in the order of the part's input gradients. */
  readonly receivers: readonly number[];
}

export interface Plan {
  readonly program: CompiledProgram;
  /** Tensors of the graph; they follow the inputs in what the program is given. */
  readonly tensors: readonly Tensor[];
  readonly outputs: readonly TensorType[];
  /** Which outputs have a gradient. */
  readonly differentiable: readonly boolean[];
  /** Tensors that the forward pass changes, such as running statistics; their new values follow the outputs. */
  readonly updated: readonly Tensor[];
  /** Inputs, tensors and then outputs, by number, that gradient rules saved: they must not change in between. */
  readonly saved: readonly number[];
  /** Of `updated`, those whose old values the backward part reads; of results, those whose storages it reads. */
  readonly retainedTensors: readonly Tensor[];
  readonly retainedResults: readonly number[];
  /** The backward part from all outputs that have a gradient. */
  readonly backward: PlannedBackward;
  /** The backward part from the outputs of these numbers alone, made when it is first needed. */
  backwardFrom(outputs: readonly number[]): PlannedBackward;
}

/** Watches values of a graph while a plan runs, without keeping them. */
export interface ValueObserver {
  /** Whether to show a value; asked when the plan is made. */
  wants(value: GraphValue): boolean;
  /** Sees a value as soon as it is computed. The array is good for the time of the call, and must not be changed. */
  observe(value: GraphValue, values: TypedArray, type: TensorType): void;
}

/** A tensor outside the program and the one that stands for it while recording. */
interface Binding {
  readonly outside: Tensor | null;
  readonly shadow: Tensor;
  readonly buffer: ProgramBuffer;
}

/**
 * Records and compiles.
 * @returns null where a program cannot say what the graph does: an operation reads values, or a tensor of the graph
 *   lives on another backend
 */
export function makePlan(
  graph: Graph,
  inputs: readonly Tensor[],
  training: boolean,
  gradients: boolean,
  observer?: ValueObserver,
): Plan | null {
  const target = inputs[0].backend as ProgramBackend;
  if (graph.nodes.some((node) => node.isConstant && node.constant.tensor.backend !== target)) return null;
  addProgramCompiler();
  try {
    return record(graph, inputs, training, gradients, target, observer);
  } catch (error) {
    if (error instanceof BackendError && error.code === 'RECORDING') return null;
    throw error;
  }
}

function record(
  graph: Graph,
  inputs: readonly Tensor[],
  training: boolean,
  gradients: boolean,
  target: ProgramBackend,
  observer?: ValueObserver,
): Plan {
  const recorder = new RecordingBackend(target);
  const bind = (outside: Tensor | null, { shape, dtype }: TensorType, requiresGrad: boolean): Binding => {
    const buffer = recorder.external(dtype, sizeOf(shape));
    const shadow = new Tensor(buffer, shape, dtype, recorder);
    if (requiresGrad) shadow.requiresGrad = true;
    return { outside, shadow, buffer };
  };
  const given = inputs.map((input) => bind(input, input, gradients && input.requiresGrad));
  const tensors = new Map<Tensor, Binding>();
  for (const node of graph.nodes) {
    if (!node.isConstant) continue;
    const { tensor } = node.constant;
    if (!tensors.has(tensor)) tensors.set(tensor, bind(tensor, tensor, gradients && tensor.requiresGrad));
  }
  /** By the nodes of the tape, what a profile calls them. */
  const labels = new Map<unknown, string>();
  const outputs = withBackend(recorder, () =>
    executeGraph(
      graph,
      given.map(({ shadow }) => shadow),
      {
        rules: TRAINING_RULES,
        training,
        constant: (tensor) => (tensors.get(tensor) as Binding).shadow,
        enter: ({ name }) => {
          recorder.label = name;
        },
        observe: (value, { gradientNode, storage, shape, dtype }) => {
          if (gradientNode && !labels.has(gradientNode)) labels.set(gradientNode, value.node.name);
          if (observer?.wants(value))
            recorder.show(storage, (values) => observer.observe(value, values, { shape, dtype }));
        },
      },
    ),
  );
  const bindings = [...given, ...tensors.values()];
  const updated = [...tensors.values()].filter(({ shadow, buffer }) => shadow.storage !== buffer);
  const results = [...outputs, ...updated.map(({ shadow }) => shadow)].map(({ storage }) => storage as ProgramBuffer);
  const steps = [...recorder.steps];
  const seeds = outputs.map((output) => (output.requiresGrad ? bind(null, output, false) : null));

  const recordBackward = (chosen: readonly number[]): PlannedBackward => {
    for (const { shadow } of bindings) shadow.grad = null;
    const start = recorder.steps.length;
    const roots = chosen.flatMap((index) => {
      const seed = seeds[index];
      return seed ? [{ root: outputs[index], gradient: seed.shadow, buffer: seed.buffer }] : [];
    });
    // The tape stays, so that other parts can be recorded later. It holds no values.
    withBackend(recorder, () =>
      backwardFrom(roots, true, (node) => {
        recorder.label = labels.get(node);
      }),
    );
    const receivers = bindings.flatMap(({ shadow }, index) => (shadow.grad ? [index] : []));
    return {
      part: {
        steps: recorder.steps.slice(start),
        gradients: roots.map(({ buffer }) => buffer),
        inputGradients: receivers.map((index) => bindings[index].shadow.grad?.storage as ProgramBuffer),
      },
      receivers,
    };
  };
  const recorded = recordBackward(outputs.map((_, index) => index));
  const optimized = optimizeProgram({
    steps,
    inputs: bindings.map(({ buffer }) => buffer),
    results,
    backward: recorded.part,
  });
  const { program } = optimized;
  const main: PlannedBackward = { ...recorded, part: program.backward };
  const parts = new Map([[seeds.flatMap((seed, index) => (seed ? [index] : [])).join(), main]]);
  const readByRules = new Set(recorded.part.steps.flatMap(inputsOf));
  const read = new Set([...program.backward.steps.flatMap(inputsOf), ...program.backward.inputGradients]);
  const isUpdated = new Set(updated);
  return {
    program: target.compile(program),
    tensors: [...tensors.keys()],
    outputs: outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    differentiable: seeds.map((seed) => seed !== null),
    updated: updated.map(({ outside }) => outside as Tensor),
    saved: [
      ...bindings.flatMap((each, index) => (readByRules.has(each.buffer) && !isUpdated.has(each) ? [index] : [])),
      ...outputs.flatMap(({ storage }, index) =>
        readByRules.has(storage as ProgramBuffer) ? [bindings.length + index] : [],
      ),
    ],
    retainedTensors: updated.filter(({ buffer }) => readByRules.has(buffer)).map(({ outside }) => outside as Tensor),
    retainedResults: program.results.flatMap((buffer, index) => (read.has(buffer) ? [index] : [])),
    backward: main,
    backwardFrom(chosen) {
      const key = chosen.join();
      const known = parts.get(key);
      if (known) return known;
      const { part, receivers } = recordBackward(chosen);
      const made = { part: optimized.part(part), receivers };
      parts.set(key, made);
      return made;
    },
  };
}

/** What a plan was made from: the nodes of a graph as they were. */
export class GraphSnapshot {
  readonly #nodes: readonly { node: GraphNode; attributes: unknown; inputs: readonly GraphValue[] }[];
  readonly #outputs: readonly GraphValue[];

  constructor(graph: Graph) {
    this.#nodes = graph.nodes.map((node) => ({ node, attributes: node.attributes, inputs: [...node.inputs] }));
    this.#outputs = graph.outputs.map(({ value }) => value);
  }

  /** Whether the graph still computes the same; it does not after a quantizer was switched off, for example. */
  matches({ nodes, outputs }: Graph): boolean {
    return (
      nodes.length === this.#nodes.length &&
      outputs.length === this.#outputs.length &&
      outputs.every(({ value }, index) => value === this.#outputs[index]) &&
      this.#nodes.every(
        ({ node, attributes, inputs }, index) =>
          nodes[index] === node &&
          sameAttributes(node.attributes, attributes) &&
          node.inputs.length === inputs.length &&
          inputs.every((value, port) => node.inputs[port] === value),
      )
    );
  }
}

/** Whether two sets of attributes are one object, or have the same entries. */
function sameAttributes(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && Object.is(right.get(key), value));
}
