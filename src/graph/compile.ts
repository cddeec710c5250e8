/**
 * Running a model from plans, as a quantized model runs: `forward` is recorded once for each combination of input
 * shapes and modes, and every later step is one program forward and one backward. The model stays what it is, with its
 * layers, names and parameters.
 */
import { isRecording } from '../autograd/dispatch.js';
import { noGrad } from '../autograd/gradMode.js';
import type { Module } from '../nn/module.js';
import type { Buffer } from '../nn/parameter.js';
import { add } from '../ops/elementwise/add.js';
import { Tensor } from '../tensor/tensor.js';
import type { Graph } from './graph.js';
import { GraphModule } from './graphModule.js';
import { KEPT_PLANS, PlanLimit } from './planLimit.js';
import { PlannedExecutor } from './plannedExecutor.js';
import { trace } from './trace.js';

/** A model's `forward` for inputs of certain shapes. */
interface Recording {
  readonly key: string;
  readonly graph: GraphModule;
  /** The parameters and buffers that the model had. */
  readonly tensors: readonly Tensor[];
  /** Counters of batches, which are not part of the graph, each as often as its layer is called. */
  readonly counters: readonly Buffer[];
}

class CompiledForward {
  readonly #model: Module;
  readonly #forward: Module['forward'];
  readonly #limit = new PlanLimit();
  /** The last used one last. */
  #recordings: Recording[] = [];

  constructor(model: Module, forward: Module['forward']) {
    this.#model = model;
    this.#forward = forward;
  }

  run(inputs: readonly Tensor[]): unknown {
    const recording = this.#plannable(inputs) ? this.#recording(inputs) : null;
    if (!recording) return this.#forward.apply(this.#model, [...inputs]);
    const { training } = this.#model;
    const { graph, counters } = recording;
    graph.training = training;
    const outputs = graph.forward(...inputs);
    if (training) {
      noGrad(() => {
        for (const counter of counters) counter.assign_(add(counter, 1));
      });
    }
    return outputs;
  }

  /** Not while the model itself is recorded, nor with layers in another mode than the rest: a graph has one for all. */
  #plannable(inputs: readonly Tensor[]): boolean {
    return (
      !isRecording() &&
      inputs.every((input) => input instanceof Tensor) &&
      PlannedExecutor.supports(inputs) &&
      this.#model.modules().every(({ training }) => training === this.#model.training)
    );
  }

  #recording(inputs: readonly Tensor[]): Recording | null {
    const key = [this.#model.training, ...inputs.map(({ shape, dtype }) => `${dtype}[${shape}]`)].join('|');
    const tensors = [...this.#model.parameters(), ...this.#model.buffers()];
    const found = this.#recordings.find(
      (recording) =>
        recording.key === key &&
        recording.tensors.length === tensors.length &&
        recording.tensors.every((tensor, index) => tensor === tensors[index]),
    );
    if (found) this.#limit.used();
    else if (!this.#limit.worthPlanning(key)) return null;
    const used = found ?? this.#record(key, inputs, tensors);
    this.#recordings = [...this.#recordings.filter((each) => each !== used && each.key !== key), used].slice(
      -KEPT_PLANS,
    );
    return used;
  }

  #record(key: string, inputs: readonly Tensor[], tensors: readonly Tensor[]): Recording {
    // With the very sizes: code of the model may calculate with them.
    const { graph, structure } = trace(this.#model, inputs, { dynamicBatch: false });
    return { key, graph: new GraphModule(graph, structure), tensors, counters: countersOf(this.#model, graph) };
  }
}

/** The counters of batches of the layers whose statistics the graph updates. */
function countersOf(model: Module, graph: Graph): Buffer[] {
  const counters = new Map<Tensor, Buffer>();
  for (const module of model.modules()) {
    const { runningMean, numBatchesTracked } = module as { runningMean?: Buffer; numBatchesTracked?: Buffer };
    if (runningMean && numBatchesTracked) counters.set(runningMean, numBatchesTracked);
  }
  return graph.nodes.flatMap(({ inputs }) =>
    inputs.flatMap(({ node }) => (node.isConstant && counters.get(node.constant.tensor)) || []),
  );
}

const compiledForwards = new WeakSet<object>();

/**
 * Makes a float model run from plans: faster steps in less memory, with the same results. Quantized and imported models do
 * so anyway. Afterwards `model.forward(x)` works as before, `parameters()`, `stateDict()` and checkpoints are the same, and
 * the model can be quantized or saved.
 *
 * Like `torch.compile` it records what `forward` does, once for each combination of input shapes and modes (the last eight
 * are kept), so `forward` must not depend on values of tensors. Numbers and tensors in its fields other than parameters
 * and buffers are taken as they were then; after changing them, call `compile` again. Where plans cannot be used (a
 * backend without them, single layers in another mode than the model) the model runs operation by operation.
 *
 * @param model Is changed: its `forward` is replaced.
 * @returns The same model.
 * @throws TraceError at the first `forward` that cannot be recorded
 */
export function compile<M extends Module>(model: M): M {
  if (model instanceof GraphModule) return model;
  const own = Object.getOwnPropertyDescriptor(model, 'forward');
  // Compiling once more forgets what was recorded.
  if (own && compiledForwards.has(own.value)) Reflect.deleteProperty(model, 'forward');
  const compiled = new CompiledForward(model, model.forward);
  const forward = (...inputs: Tensor[]): unknown => compiled.run(inputs);
  compiledForwards.add(forward);
  Object.defineProperty(model, 'forward', { configurable: true, enumerable: false, writable: true, value: forward });
  return model;
}
