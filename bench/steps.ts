/** The training steps that are timed and profiled: cross entropy, SGD with momentum 0.9, on the networks of the comparison. */
import {
  compile,
  functional as F,
  manualSeed,
  type nn,
  noGrad,
  optim,
  quantize,
  randint,
  randn,
  type Tensor,
} from 'quantgrad';
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

/** @returns The step, which can be run many times, on the default backend. */
export async function prepareStep(workload: string, options: StepOptions = {}): Promise<() => void> {
  checkWorkloads([workload]);
  const { model: build, shape } = WORKLOADS[workload];
  const { batch = shape[0], float = false, inference = false } = options;
  manualSeed(0);
  const source = build();
  const x = randn([batch, ...shape.slice(1)]);
  const y = randint(0, 10, [batch]);
  const model: nn.Module = float ? compile(source) : await quantize(source, [x], { subsetSize: 1 });
  if (inference) {
    model.eval();
    return () => void noGrad(() => model.forward(x));
  }
  model.train();
  const optimizer = new optim.SGD(model.parameters(), { lr: float ? 1e-4 : 1e-5, momentum: 0.9 });
  return () => {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(x) as Tensor, y).backward();
    optimizer.step();
  };
}
