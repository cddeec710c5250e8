/**
 * The planned executor: a graph is run once on a recording backend, forward and backward, for each combination of
 * shapes; the backend compiles what was recorded; from then on a training step is two calls, and the tape sees one node
 * for the whole model. Nothing here knows an operation: the program comes from the definitions themselves.
 */
import { isGradEnabled } from '../autograd/gradMode.js';
import { backward, record, TapeNode } from '../autograd/tape.js';
import type { Backend, Storage, TensorType } from '../kernels/contract.js';
import {
  type CompiledProgram,
  compilesPrograms,
  isKernelStep,
  type ProgramBackend,
  type ProgramBuffer,
  RecordingBackend,
} from '../kernels/program.js';
import { withBackend } from '../tensor/backend.js';
import { sizeOf } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { executeGraph } from './execute.js';
import type { Graph, GraphNode } from './graph.js';

/** Plans that are kept for different shapes and modes; the longest unused goes first. */
const CAPACITY = 8;

/** A tensor outside the program and the buffer that stands for it. */
interface Binding {
  readonly outside: Tensor | null;
  readonly shadow: Tensor;
  readonly buffer: ProgramBuffer;
}

interface Plan {
  readonly program: CompiledProgram;
  /** Inputs of the graph first, then its tensors. */
  readonly tensors: readonly Tensor[];
  readonly outputs: readonly TensorType[];
  /** Which outputs have a gradient, and thus a slot among the program's gradients. */
  readonly differentiable: readonly boolean[];
  /** Tensors that the forward pass changes, such as running statistics; their new values follow the outputs. */
  readonly updated: readonly Tensor[];
  /** Which of inputs and tensors the backward part reads: they must not change in between, unless the plan changes them. */
  readonly checked: readonly number[];
  /** Of `updated`, those whose old values the backward part still reads. */
  readonly retained: readonly Tensor[];
  /** Which of inputs and tensors receive gradients, in the order of the program's input gradients. */
  readonly receivers: readonly number[];
  /** What the plan was made for; it holds while these are the same objects. */
  readonly attributes: readonly (readonly [GraphNode, unknown])[];
}

export class PlannedExecutor {
  readonly #graph: Graph;
  readonly #plans = new Map<string, Plan>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Whether a plan can run the graph on these inputs; otherwise it is executed call by call. */
  static supports(inputs: readonly Tensor[]): boolean {
    return (
      inputs.length > 0 &&
      inputs.every((input) => !input.isSymbolic && input.backend === inputs[0].backend) &&
      compilesPrograms(inputs[0].backend)
    );
  }

  run(inputs: readonly Tensor[], training: boolean): Tensor[] {
    const differentiate = isGradEnabled();
    const plan = this.#plan(inputs, training, differentiate);
    const sources = [...inputs, ...plan.tensors];
    const [{ backend }] = inputs;
    const run = plan.program.forward(sources.map(({ storage }) => storage));
    const outputs = plan.outputs.map(
      ({ shape, dtype }, index) => new Tensor(run.results[index], shape, dtype, backend),
    );
    if (plan.receivers.length === 0) run.dispose();
    else {
      const leaves = plan.receivers.map((index) => sources[index]);
      const checked = plan.checked.map((index) => sources[index]);
      const node = new TapeNode('PlannedGraph', leaves, outputs.length, checked, (gradients, saved) => {
        // Reading a saved tensor checks that it has not changed since.
        checked.forEach((_, index) => {
          saved(index);
        });
        const given = outputs.flatMap(({ shape, dtype }, index) =>
          plan.differentiable[index] ? [(gradients[index] ?? zerosOn(backend, { shape, dtype })).storage] : [],
        );
        const kept = new Set<Storage>(leaves.flatMap(({ grad }) => (grad ? [grad.storage] : [])));
        const results = run.backward(given, (storage) => kept.has(storage));
        return leaves.map(({ shape, dtype }, index) => new Tensor(results[index], shape, dtype, backend));
      });
      const marked = outputs.filter((_, index) => plan.differentiable[index]);
      record(node, marked);
      outputs.forEach((output, index) => {
        output.outputIndex = index;
      });
    }
    for (const tensor of plan.retained) tensor.retainStorage();
    plan.updated.forEach((tensor, index) => {
      tensor.replaceStorage(run.results[outputs.length + index]);
    });
    return outputs;
  }

  #plan(inputs: readonly Tensor[], training: boolean, differentiate: boolean): Plan {
    const flags = this.#graph.nodes.flatMap((node) =>
      node.isConstant ? [node.constant.tensor.requiresGrad ? 1 : 0] : [],
    );
    const key = [
      training,
      differentiate,
      flags.join(''),
      ...inputs.map(({ shape, dtype, requiresGrad }) => `${dtype}[${shape}]${requiresGrad}`),
    ].join('|');
    const known = this.#plans.get(key);
    this.#plans.delete(key);
    const valid =
      known?.attributes.length === this.#graph.nodes.length &&
      known.attributes.every(([node, attributes]) => node.attributes === attributes);
    const plan = known && valid ? known : makePlan(this.#graph, inputs, training, differentiate);
    this.#plans.set(key, plan);
    if (this.#plans.size > CAPACITY) {
      const [oldest] = this.#plans.keys();
      this.#plans.delete(oldest);
    }
    return plan;
  }
}

function zerosOn(backend: Backend, { shape, dtype }: TensorType): Tensor {
  return new Tensor(backend.upload(new Float32Array(sizeOf(shape)), dtype), shape, dtype, backend);
}

/** Runs the graph and its backward pass on a recording backend. */
function makePlan(graph: Graph, inputs: readonly Tensor[], training: boolean, differentiate: boolean): Plan {
  const target = inputs[0].backend as ProgramBackend;
  const recorder = new RecordingBackend(target);
  const bind = (outside: Tensor | null, { shape, dtype }: TensorType, requiresGrad: boolean): Binding => {
    const buffer = recorder.external(dtype, sizeOf(shape));
    const shadow = new Tensor(buffer, shape, dtype, recorder);
    if (requiresGrad) shadow.requiresGrad = true;
    return { outside, shadow, buffer };
  };
  return withBackend(recorder, () => {
    const given = inputs.map((input) => bind(input, input, differentiate && input.requiresGrad));
    const tensors = new Map<Tensor, Binding>();
    for (const node of graph.nodes) {
      if (!node.isConstant) continue;
      const { tensor } = node.constant;
      if (!tensors.has(tensor)) tensors.set(tensor, bind(tensor, tensor, differentiate && tensor.requiresGrad));
    }
    const outputs = executeGraph(
      graph,
      given.map(({ shadow }) => shadow),
      { training, constant: (tensor) => (tensors.get(tensor) as Binding).shadow },
    );
    const bindings = [...given, ...tensors.values()];
    const updated = [...tensors.values()].filter(({ shadow, buffer }) => shadow.storage !== buffer);
    const results = [
      ...outputs.map(({ storage }) => storage as ProgramBuffer),
      ...updated.map(({ shadow }) => shadow.storage as ProgramBuffer),
    ];
    const forwardSteps = recorder.steps.length;
    const differentiable = outputs.map((output) => output.requiresGrad);
    const seeds = outputs
      .filter((_, index) => differentiable[index])
      .map((output) => ({ output, seed: bind(null, output, false) }));
    seeds.forEach(({ output, seed }, index) => {
      backward(output, { gradient: seed.shadow, retainGraph: index < seeds.length - 1 });
    });
    const readBackward = new Set(
      recorder.steps
        .slice(forwardSteps)
        .flatMap((step) => (isKernelStep(step) ? step.inputs.map(({ buffer }) => buffer) : [])),
    );
    const receivers = bindings.flatMap(({ shadow }, index) => (shadow.grad ? [index] : []));
    const program = target.compile({
      steps: recorder.steps,
      forwardSteps,
      inputs: bindings.map(({ buffer }) => buffer),
      gradients: seeds.map(({ seed }) => seed.buffer),
      results,
      inputGradients: receivers.map((index) => bindings[index].shadow.grad?.storage as ProgramBuffer),
    });
    return {
      program,
      tensors: [...tensors.keys()],
      outputs: outputs.map(({ shape, dtype }) => ({ shape, dtype })),
      differentiable,
      updated: updated.map(({ outside }) => outside as Tensor),
      checked: bindings.flatMap((binding, index) =>
        readBackward.has(binding.buffer) && !updated.includes(binding) ? [index] : [],
      ),
      retained: updated.filter(({ buffer }) => readBackward.has(buffer)).map(({ outside }) => outside as Tensor),
      receivers,
      attributes: graph.nodes.map((node) => [node, node.attributes] as const),
    };
  });
}
