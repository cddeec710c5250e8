/** The training steps that are timed and profiled: cross entropy, SGD with momentum 0.9, on the networks of the comparison. */
import { functional as F, manualSeed, type nn, noGrad, optim, quantize, randint, randn, type Tensor } from 'quantgrad';
import { GraphModule } from '../src/graph/graphModule.js';
import { trace } from '../src/graph/trace.js';
import { WORKLOADS } from './networks.js';

export interface StepOptions {
  /** Instead of the batch size in the workload's name. */
  readonly batch?: number;
  /** The float model instead of the quantized one. */
  readonly float?: boolean;
  /** Only the forward pass, in evaluation mode. */
  readonly inference?: boolean;
}

/** @throws Error for an unknown workload */
export function checkWorkloads(names: readonly string[]): void {
  const unknown = names.find((name) => !(name in WORKLOADS));
  if (unknown !== undefined)
    throw new Error(`Unknown workload '${unknown}'; there are ${Object.keys(WORKLOADS).join(', ')}.`);
}

export interface PreparedStep {
  /** Can be run many times, on the default backend. */
  readonly step: () => void;
  /** Milliseconds that tracing took; 0 for a quantized model, whose graph is traced when it is quantized. */
  readonly prepared: number;
}

export async function prepareStep(workload: string, options: StepOptions = {}): Promise<PreparedStep> {
  checkWorkloads([workload]);
  const { model: build, shape } = WORKLOADS[workload];
  const { batch = shape[0], float = false, inference = false } = options;
  manualSeed(0);
  const source = build();
  const x = randn([batch, ...shape.slice(1)]);
  const y = randint(0, 10, [batch]);
  const started = performance.now();
  const model: nn.Module = float ? compiled(source, x) : await quantize(source, [x], { subsetSize: 1 });
  const prepared = float ? performance.now() - started : 0;
  if (inference) {
    model.eval();
    return { step: () => void noGrad(() => model.forward(x)), prepared };
  }
  model.train();
  const optimizer = new optim.SGD(model.parameters(), { lr: float ? 1e-4 : 1e-5, momentum: 0.9 });
  const step = (): void => {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(x) as Tensor, y).backward();
    optimizer.step();
  };
  return { step, prepared };
}

/** The model as a graph, which runs from plans. */
function compiled(model: nn.Module, x: Tensor): nn.Module {
  const { graph, structure } = trace(model, [x]);
  return new GraphModule(graph, structure);
}
