/**
 * The planned executor: it keeps a plan for each combination of shapes and modes, and from then on a training step is
 * two calls of a compiled program; the tape sees one node for the whole model.
 *
 * Gradients of parameters are tensors that are used again: the next `backward()` through the model writes new values
 * into a gradient that no parameter holds any more (`zeroGrad()` lets go of it). To keep an old gradient, keep a tensor
 * made from it: `parameter.grad.detach()` is enough.
 */
import { isGradEnabled } from '../autograd/gradMode.js';
import { type BackwardRule, record, TapeNode } from '../autograd/tape.js';
import { BackendError } from '../errors.js';
import type { Backend, Storage, TensorType } from '../kernels/contract.js';
import { compilesPrograms, type ProgramRun } from '../kernels/program.js';
import { Tensor } from '../tensor/tensor.js';
import type { Graph, GraphNode } from './graph.js';
import { GraphSnapshot, makePlan, type Plan, type ValueObserver } from './plan.js';
import { KEPT_PLANS, PlanLimit } from './planLimit.js';

interface KeptPlan {
  readonly key: string;
  readonly backend: Backend;
  readonly snapshot: GraphSnapshot;
  /** Null where the graph cannot be planned. */
  readonly plan: Plan | null;
}

export class PlannedExecutor {
  readonly #graph: Graph;
  readonly #observer: ValueObserver | undefined;
  /** The last used one last. */
  #plans: KeptPlan[] = [];
  readonly #limit = new PlanLimit();

  /** @param observer Is shown values of the graph in each run. */
  constructor(graph: Graph, observer?: ValueObserver) {
    this.#graph = graph;
    this.#observer = observer;
  }

  /** Whether a plan may run the graph on these inputs. */
  static supports(inputs: readonly Tensor[]): boolean {
    return (
      inputs.length > 0 &&
      inputs.every((input) => !input.isSymbolic && input.backend === inputs[0].backend) &&
      compilesPrograms(inputs[0].backend)
    );
  }

  /** Number of plans that are kept. */
  get size(): number {
    return this.#plans.length;
  }

  /**
   * The graph's outputs; null where it must be executed call by call: it cannot be planned, memory is short, or values are to
   * be shown and the backend cannot read them at once.
   */
  run(inputs: readonly Tensor[], training: boolean): Tensor[] | null {
    if (this.#observer && !inputs[0].backend.synchronous) return null;
    const plan = this.#plan(inputs, training);
    if (!plan) return null;
    const sources = [...inputs, ...plan.tensors];
    const run = start(plan, sources);
    if (!run) return null;
    const [{ backend }] = inputs;
    const outputs = plan.outputs.map(
      ({ shape, dtype }, index) => new Tensor(run.results[index], shape, dtype, backend),
    );
    for (const tensor of plan.retainedTensors) tensor.retainStorage();
    plan.updated.forEach((tensor, index) => {
      tensor.replaceStorage(run.results[outputs.length + index]);
    });
    const results = [...outputs, ...plan.updated];
    for (const index of plan.retainedResults) results[index].retainStorage();
    if (plan.backward.receivers.length === 0) run.dispose();
    else {
      const receivers = plan.backward.receivers.map((index) => sources[index]);
      const values = [...sources, ...outputs];
      const saved = plan.saved.map((index) => values[index]);
      const rule = backwardRule(plan, run, backend, receivers);
      const node = new TapeNode('PlannedGraph', receivers, outputs.length, saved, rule);
      outputs.forEach((output, index) => {
        if (!plan.differentiable[index]) return;
        record(node, [output]);
        output.outputIndex = index;
      });
    }
    return outputs;
  }

  #plan(inputs: readonly Tensor[], training: boolean): Plan | null {
    const gradients = isGradEnabled();
    const flags = this.#graph.nodes.map(stateOf);
    const types = inputs.map(({ shape, dtype, requiresGrad }) => `${dtype}[${shape}]${requiresGrad}`);
    const key = [training, gradients, flags.join(''), ...types].join('|');
    const [{ backend }] = inputs;
    const found = this.#plans.find(
      (kept) => kept.key === key && kept.backend === backend && kept.snapshot.matches(this.#graph),
    );
    if (found) this.#limit.used();
    else if (!this.#limit.worthPlanning(key)) return null;
    const kept = found ?? {
      key,
      backend,
      snapshot: new GraphSnapshot(this.#graph),
      plan: makePlan(this.#graph, inputs, training, gradients, this.#observer),
    };
    this.#plans = [...this.#plans.filter((each) => each !== kept), kept].slice(-KEPT_PLANS);
    return kept.plan;
  }
}

/** What may change about a node from step to step: whether it trains (1), or lets its input through (2). */
function stateOf(node: GraphNode): number {
  if (node.isConstant) return node.constant.tensor.requiresGrad ? 1 : 0;
  return node.definition.bypass?.(node.attributes) ? 2 : 0;
}

/** Runs the forward part, unless memory is short. */
function start(plan: Plan, sources: readonly Tensor[]): ProgramRun | null {
  try {
    return plan.program.forward(sources.map(({ storage }) => storage));
  } catch (error) {
    if (error instanceof BackendError && error.code === 'HEAP_FULL') return null;
    throw error;
  }
}

/** What the tape runs for a planned graph. Made outside of `run`, whose variables a closure made there would keep alive. */
function backwardRule(plan: Plan, run: ProgramRun, backend: Backend, receivers: readonly Tensor[]): BackwardRule {
  // Gradients of results go on to where those came from, and are not ours to use again.
  const leaves = receivers.map((receiver) => (receiver.isLeaf ? receiver : null));
  const types = receivers.map(({ shape, dtype }): TensorType => ({ shape, dtype }));
  let open: ProgramRun | null = run;
  return (gradients, saved, _needs, retain) => {
    // Reading a saved tensor checks that it has not changed since.
    plan.saved.forEach((_, index) => {
      saved(index);
    });
    const chosen = gradients.flatMap((gradient, index) => (gradient && plan.differentiable[index] ? [index] : []));
    const given = chosen.map((index) => (gradients[index] as Tensor).storage);
    const { part, receivers: numbers } = plan.backwardFrom(chosen);
    const positions = numbers.map((number) => plan.backward.receivers.indexOf(number));
    const inUse = new Set([...given, ...leaves.flatMap((leaf) => leaf?.grad?.storage ?? [])]);
    const targets = positions.map((position) => {
      const leaf = leaves[position];
      const target = leaf && reusableGradient(leaf, backend, inUse);
      if (target) inUse.add(target.storage);
      return target;
    });
    const storages = (open as ProgramRun).backward(given, {
      part,
      targets: targets.map((target) => target?.storage ?? null),
      retain,
    });
    if (!retain) open = null;
    const results = new Array<Tensor | null>(types.length).fill(null);
    positions.forEach((position, index) => {
      const { shape, dtype } = types[position];
      const target = targets[index];
      results[position] = target ?? new Tensor(storages[index], shape, dtype, backend);
      if (target) target.version++;
      else if (leaves[position]) rememberGradient(leaves[position], results[position]);
    });
    return results;
  };
}

/** Gradients that were made for a tensor. Two, since one may still be in use when the other is computed. */
const gradientsOf = new WeakMap<Tensor, readonly Tensor[]>();

/** A gradient whose values nobody needs any more: no parameter holds it, and no other tensor was made from it. */
function reusableGradient(leaf: Tensor, backend: Backend, inUse: ReadonlySet<Storage>): Tensor | null {
  const free = gradientsOf
    .get(leaf)
    ?.find((each) => each.backend === backend && !each.storageIsShared && !inUse.has(each.storage));
  return free ?? null;
}

function rememberGradient(leaf: Tensor, gradient: Tensor): void {
  const useful = (gradientsOf.get(leaf) ?? []).filter((each) => !each.storageIsShared);
  gradientsOf.set(leaf, [...useful, gradient].slice(-2));
}
