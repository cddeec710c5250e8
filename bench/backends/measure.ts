/** One step of quantization-aware training, timed on one backend. Runs in Node and, bundled, in a page. */
import {
  functional as F,
  type InitOptions,
  init,
  manualSeed,
  optim,
  quantize,
  randint,
  randn,
  type Tensor,
} from 'quantgrad';
import { Bench } from 'tinybench';
import { GpuJsBackend, type GpuJsInfo } from '../../src/kernels/gpujs/backend.js';
import { WORKLOADS } from '../networks.js';

export interface StepSize {
  readonly workload: string;
  readonly batch: number;
  /** Timed steps. */
  readonly steps: number;
}

/** What the GPU.js backend does in a step. */
export interface StepTraffic {
  readonly launches: number;
  readonly uploads: number;
  readonly readbacks: number;
  /** Runs of reference kernels. */
  readonly fallbacks: number;
}

export interface BackendFigures {
  readonly backend: string;
  /** Median of a step, which ends when its loss is read. */
  readonly stepMs: number;
  /** The first step, which plans and compiles. */
  readonly firstStepMs: number;
  /** Null for backends that are not GPU.js's. */
  readonly traffic: StepTraffic | null;
  /** After the first step. */
  readonly loss: number;
}

/** Steps before the timed ones. The guard of quantizer ranges reads values in steps 1, 2, 4, 8, ... */
const WARM_UP = 4;

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

const trafficOf = ({ launches, fallbacks, uploads, readbacks }: GpuJsInfo): StepTraffic => ({
  launches: sum(launches),
  uploads,
  readbacks,
  fallbacks: sum(fallbacks),
});

/** @throws BackendError where the backend cannot run */
export async function measureBackend(
  options: InitOptions,
  { workload, batch, steps }: StepSize,
): Promise<BackendFigures> {
  const backend = await init(options);
  const { model: build, shape } = WORKLOADS[workload];
  manualSeed(0);
  const x = randn([batch, ...shape.slice(1)]);
  const y = randint(0, 10, [batch]);
  const model = await quantize(build(), [x], { subsetSize: 1 });
  model.train();
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-4, momentum: 0.9 });
  const step = async (): Promise<number> => {
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(x) as Tensor, y);
    loss.backward();
    optimizer.step();
    return loss.item();
  };
  const started = performance.now();
  const loss = await step();
  const firstStepMs = performance.now() - started;
  for (let count = 1; count < WARM_UP; count++) await step();
  // The fifth step is one in which nobody else reads.
  const gpuJs = backend instanceof GpuJsBackend ? backend : null;
  if (gpuJs) await settle(gpuJs);
  const before = gpuJs && trafficOf(gpuJs.info());
  await step();
  if (gpuJs) await settle(gpuJs);
  const after = gpuJs && trafficOf(gpuJs.info());
  const bench = new Bench({ time: 0, iterations: steps, warmup: false });
  bench.add(backend.name, step, { async: true });
  const [{ result }] = await bench.run();
  if (!('latency' in result))
    throw new Error(`A step failed: ${String('error' in result ? result.error : result.state)}`);
  const { name } = backend;
  await gpuJs?.dispose();
  return {
    backend: name,
    stepMs: result.latency.p50,
    firstStepMs,
    loss,
    traffic: before && after && difference(after, before),
  };
}

const difference = (after: StepTraffic, before: StepTraffic): StepTraffic => ({
  launches: after.launches - before.launches,
  uploads: after.uploads - before.uploads,
  readbacks: after.readbacks - before.readbacks,
  fallbacks: after.fallbacks - before.fallbacks,
});

/** Waits until an asynchronous backend has launched what it was given: the optimizer's part comes after the loss is read. */
async function settle(backend: GpuJsBackend): Promise<void> {
  for (let last = -1, now = sum(backend.info().launches); last !== now; ) {
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
    now = sum(backend.info().launches);
  }
}
