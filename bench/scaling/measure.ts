/** How the step grows with the batch and shrinks with threads, what the first one costs, and the plain matrix product. */
import { median, runScript } from '../engine.js';
import { atLeast, atMost, BATCH_DOUBLING, FIRST_STEP, PRODUCT, TWO_THREADS } from '../targets.js';

export interface ScalingOptions {
  readonly workloads: readonly string[];
  readonly threads: number;
  readonly rounds: number;
  /** Version of Node, such as `24`; undefined: the one that runs this. */
  readonly node?: string;
  readonly simd: 128 | 256;
  readonly steps: number;
}

interface StepFigures {
  readonly engine: string;
  readonly step_ms: number;
  readonly first_step_ms: number;
}

export interface ScalingReport {
  readonly engine: string;
  readonly simd: 128 | 256;
  readonly threads: number;
  /** By workload: the step at twice the batch divided by twice the step, and the first step in milliseconds. */
  readonly workloads: readonly { readonly workload: string; readonly doubling: number; readonly firstStep: number }[];
  /** One thread's step divided by that on `threads`; null if resnet18-32-b32 was not asked for. */
  readonly threadsGain: number | null;
  /** The same of multiply-adds that stay in registers: how much faster more threads of this machine can be at most. */
  readonly threadsLimit: number;
  /** GF/s of a product of 1024 x 1024 on one thread. */
  readonly product: number;
  /** GF/s of multiply-adds that stay in registers, on one thread, in the same processes. */
  readonly productLimit: number;
}

interface ProductFigures {
  readonly engine: string;
  readonly gflops: number;
  readonly limit: number;
}

const THREADS_WORKLOAD = 'resnet18-32-b32';

/** The batch that a workload's name ends with. */
const batchOf = (workload: string): number => Number(workload.slice(workload.lastIndexOf('-b') + 2));

export function measureScaling(options: ScalingOptions): ScalingReport {
  const { workloads, threads, rounds, node, simd, steps } = options;
  const common = ['--simd', String(simd)];
  const time = (workload: string, batch: number, count: number): StepFigures => {
    const own = ['--batch', String(batch), '--threads', String(count), '--steps', String(steps)];
    return runScript<StepFigures>('timeStep.ts', [workload, ...own, ...common], node)[0];
  };
  let engine = '';
  const rows = workloads.map((workload) => {
    const batch = batchOf(workload);
    const pairs = Array.from({ length: rounds }, () => [
      time(workload, batch, threads),
      time(workload, 2 * batch, threads),
    ]);
    engine = pairs[0][0].engine;
    const [once, twice] = [0, 1].map((side) => median(pairs.map((pair) => pair[side].step_ms)));
    return {
      workload,
      doubling: twice / (2 * once),
      firstStep: median(pairs.map(([first]) => first.first_step_ms)),
    };
  });
  const alternate = workloads.includes(THREADS_WORKLOAD)
    ? Array.from({ length: rounds }, () =>
        [1, threads].map((count) => time(THREADS_WORKLOAD, batchOf(THREADS_WORKLOAD), count).step_ms),
      )
    : [];
  const [alone, together] = [0, 1].map((side) => median(alternate.map((pair) => pair[side])));
  const products = Array.from({ length: rounds }, () =>
    [1, threads].map(
      (count) => runScript<ProductFigures>('product.ts', [...common, '--threads', String(count)], node)[0],
    ),
  );
  const [limit, limitTogether] = [0, 1].map((side) => median(products.map((pair) => pair[side].limit)));
  return {
    engine: engine || products[0][0].engine,
    simd,
    threads,
    workloads: rows,
    threadsGain: alternate.length > 0 ? alone / together : null,
    threadsLimit: limitTogether / limit,
    product: median(products.map(([{ gflops }]) => gflops)),
    productLimit: limit,
  };
}

/** The report as lines of Markdown. */
export function formatScaling(report: ScalingReport): string[] {
  const { engine, simd, threads, workloads, threadsGain, threadsLimit, product, productLimit } = report;
  const target = simd === 256 ? PRODUCT.node24 : PRODUCT.node20;
  return [
    `${engine}, ${simd} bits${simd === 256 ? ', fast mode' : ''}, ${threads} threads, QAT steps.`,
    '',
    '| workload | step at twice the batch / (2 x step) | first step ms |',
    '|---|---|---|',
    ...workloads.map(
      ({ workload, doubling, firstStep }) =>
        `| ${workload} | ${atMost(doubling, BATCH_DOUBLING)} | ${atMost(firstStep, FIRST_STEP, 0)} |`,
    ),
    '',
    ...(threadsGain === null
      ? []
      : [
          `- ${THREADS_WORKLOAD}, 1 thread / ${threads} threads: ${atLeast(threadsGain, TWO_THREADS)}; of multiply-adds in registers: ${threadsLimit.toFixed(2)}`,
        ]),
    `- Matrix product 1024, GF/s on one thread: ${atLeast(product, target, 1)}; of multiply-adds in registers: ${productLimit.toFixed(1)}`,
  ];
}
