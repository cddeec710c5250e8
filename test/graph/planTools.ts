/** Running a case on a backend, planned or not, and looking at everything it leaves behind. */
import { noGrad } from '../../src/autograd/gradMode.js';
import { copyGraph, GraphModule } from '../../src/graph/graphModule.js';
import { trace } from '../../src/graph/trace.js';
import type { Backend } from '../../src/kernels/contract.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import { flattenOutputs } from '../../src/nn/structure.js';
import { Adam, SGD } from '../../src/optim/index.js';
import { quantize } from '../../src/quant/index.js';
import { defaultBackend, referenceBackend, setDefaultBackend } from '../../src/tensor/backend.js';
import { defaultGenerator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import type { PlanCase } from './planCases.js';

export interface Way {
  readonly backend: Backend;
  readonly planned: boolean;
}

/** Guarded: every step of a plan is checked for writes beside its values. */
export const wasm = WasmBackend.create({ threads: 1, guard: true });
export const reference: Way = { backend: referenceBackend(), planned: false };
export const callByCall: Way = { backend: wasm, planned: false };
export const planned: Way = { backend: wasm, planned: true };

/** Runs `body` with a default backend, across what it waits for. */
export async function on<T>(backend: Backend, body: () => T | Promise<T>): Promise<T> {
  const previous = defaultBackend();
  setDefaultBackend(backend);
  try {
    return await body();
  } finally {
    setDefaultBackend(previous);
  }
}

/** A graph module of the case, always with the same values. */
export async function moduleOf(each: PlanCase, kind: 'float' | 'quantized', way: Way): Promise<GraphModule> {
  manualSeed(7);
  const model = each.build();
  const inputs = each.inputs(5);
  let module: GraphModule;
  if (kind === 'quantized') module = await quantize(model, [inputs.length === 1 ? inputs[0] : inputs] as never);
  else {
    const { graph, structure } = trace(model, inputs);
    module = new GraphModule(copyGraph(graph), structure);
  }
  module.train(!each.evaluation);
  each.prepare?.(module);
  module.planned = way.planned;
  return module;
}

export const outputsOf = (module: GraphModule, inputs: Tensor[]): Tensor[] =>
  flattenOutputs(module.forward(...inputs)).tensors;

export const values = (x: Tensor | null): number[] | null => x && [...x.dataSync()];

/** Everything a training step leaves behind. */
export interface Observation {
  readonly outputs: (number[] | null)[];
  readonly loss: number | undefined;
  readonly gradients: Record<string, number[] | null>;
  readonly state: Record<string, number[] | null>;
  readonly random: unknown;
}

/** Two forward and backward passes, the second onto the gradients of the first. */
export function observe(each: PlanCase, kind: 'float' | 'quantized', way: Way): Promise<Observation[]> {
  return on(way.backend, async () => {
    const module = await moduleOf(each, kind, way);
    manualSeed(11);
    const inputs = each.inputs(5);
    if (each.inputGradients) for (const input of inputs) input.requiresGrad = true;
    return [0, 1].map((): Observation => {
      const outputs = outputsOf(module, inputs);
      const loss = each.loss(outputs);
      loss?.backward();
      const gradients = Object.fromEntries([
        ...[...module.namedParameters()].map(([name, { grad }]) => [name, values(grad)]),
        ...inputs.map(({ grad }, index) => [`input ${index}`, values(grad)]),
      ]);
      return {
        outputs: outputs.map(values),
        loss: loss?.itemSync(),
        gradients,
        state: Object.fromEntries([...module.stateDict()].map(([name, tensor]) => [name, values(tensor)])),
        random: defaultGenerator().state(),
      };
    });
  });
}

export type OptimizerName = 'SGD' | 'Adam';

/** Losses of training steps; every third batch is short. */
export function losses(
  each: PlanCase,
  kind: 'float' | 'quantized',
  way: Way,
  optimizerName: OptimizerName,
  steps: number,
): Promise<number[]> {
  return on(way.backend, async () => {
    const module = await moduleOf(each, kind, way);
    const parameters = [...module.parameters()].filter(({ requiresGrad }) => requiresGrad);
    const optimizer =
      optimizerName === 'SGD' ? new SGD(parameters, { lr: 0.05, momentum: 0.9 }) : new Adam(parameters, { lr: 0.01 });
    manualSeed(13);
    const batches = [5, 5, 3].map((size) => each.inputs(size));
    return Array.from({ length: steps }, (_, step) => {
      optimizer.zeroGrad();
      const loss = each.loss(outputsOf(module, batches[step % batches.length])) as Tensor;
      loss.backward();
      optimizer.step();
      return loss.itemSync();
    });
  });
}

/** Outputs without gradients. */
export function inference(each: PlanCase, kind: 'float' | 'quantized', way: Way): Promise<(number[] | null)[]> {
  return on(way.backend, async () => {
    const module = (await moduleOf(each, kind, way)).eval();
    manualSeed(17);
    return noGrad(() => outputsOf(module as GraphModule, each.inputs(4))).map(values);
  });
}

/** Compares numbers nested in objects and arrays; everything else must be equal. */
export function expectClose(found: unknown, wanted: unknown, tolerance: number, path = ''): void {
  if (typeof found === 'number' && typeof wanted === 'number') {
    const near = Object.is(found, wanted) || Math.abs(found - wanted) <= tolerance * (1 + Math.abs(wanted));
    if (!near) throw new Error(`${path}: ${found} instead of ${wanted}`);
  } else if (typeof found === 'object' && typeof wanted === 'object' && found !== null && wanted !== null) {
    const keys = new Set([...Object.keys(found), ...Object.keys(wanted)]);
    for (const key of keys)
      expectClose((found as never)[key], (wanted as never)[key], tolerance, path === '' ? key : `${path}.${key}`);
  } else if (!Object.is(found, wanted)) throw new Error(`${path}: ${String(found)} instead of ${String(wanted)}`);
}
