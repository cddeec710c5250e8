/**
 * Times training steps:
 * npm run bench:train -- [--json] [--threads N] [--simd 128|256] [--mode portable|fast] [--node 24] [--backend wasm|reference] [--steps N] WORKLOAD...
 * A step is zeroGrad, forward, cross entropy, backward, SGD with momentum 0.9. Prints a table, or one JSON line per workload.
 */
import { defineCommand, runMain } from 'citty';
import Table from 'cli-table3';
import {
  compile,
  functional as F,
  info,
  init,
  manualSeed,
  type nn,
  noGrad,
  optim,
  quantize,
  randint,
  randn,
  type Tensor,
} from 'quantgrad';
import { Bench } from 'tinybench';
import { median } from './engine.js';
import { WORKLOADS } from './networks.js';
import { runWith } from './start.js';
import { checkWorkloads } from './steps.js';

/** In how many turns steps are timed that are compared: what else the machine does changes from second to second. */
const TURNS = 4;

/** Medians of steps that take turns, in milliseconds. */
async function mediansInTurn(tasks: readonly (() => void)[], steps: number): Promise<number[]> {
  const samples = tasks.map((): number[] => []);
  const iterations = Math.ceil(steps / TURNS);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [index, task] of tasks.entries()) {
      const bench = new Bench({
        ...{ time: 0, iterations, warmupTime: 0, warmupIterations: turn === 0 ? 2 : 1 },
        retainSamples: true,
      });
      bench.add('step', task);
      const [{ result }] = await bench.run();
      if (!('latency' in result) || !result.latency.samples)
        throw new Error(`The step failed: ${String('error' in result ? result.error : result.state)}`);
      samples[index].push(...result.latency.samples);
    }
  }
  return samples.map((values) => Math.round(median(values) * 100) / 100);
}

function trainingStep(model: nn.Module, lr: number, x: Tensor, y: Tensor): () => void {
  const optimizer = new optim.SGD(model.parameters(), { lr, momentum: 0.9 });
  return () => {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(x) as Tensor, y).backward();
    optimizer.step();
  };
}

async function measure(name: string, steps: number): Promise<Record<string, number>> {
  const { model: build, shape } = WORKLOADS[name];
  manualSeed(0);
  const float = build();
  const x = randn(shape);
  const y = randint(0, 10, [shape[0]]);
  const compiled = compile(float).train();
  const step = trainingStep(compiled, 1e-4, x, y);
  const started = performance.now();
  step();
  const first = performance.now() - started;
  const quantized = (await quantize(float, [x], { subsetSize: 1 })).train();
  compiled.train();
  const [fp32, qat] = await mediansInTurn([step, trainingStep(quantized, 1e-5, x, y)], steps);
  compiled.eval();
  const [infer] = await mediansInTurn([() => void noGrad(() => compiled.forward(x))], steps);
  return {
    fp32_step_ms: fp32,
    qat_step_ms: qat,
    fp32_infer_ms: infer,
    first_step_ms: Math.round(first),
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

interface Figures extends Readonly<Record<string, string | number>> {
  readonly workload: string;
  /** Threads that kernels may use. */
  readonly threads: number;
  /** Bits of a vector: what was taken, not what was asked for. */
  readonly simd: number;
  readonly mode: string;
  readonly engine: string;
}

/** Names of the columns, in their order. */
const COLUMNS: Readonly<Record<string, string>> = {
  workload: 'Workload',
  fp32_step_ms: 'Float step, ms',
  qat_step_ms: 'QAT step, ms',
  fp32_infer_ms: 'Float inference, ms',
  first_step_ms: 'First step, ms',
  max_rss_mb: 'Peak memory, MB',
};

function tableOf(rows: readonly Figures[]): string {
  const table = new Table({
    head: Object.values(COLUMNS),
    style: { head: [], border: [] },
    colAligns: Object.keys(COLUMNS).map((key) => (key === 'workload' ? 'left' : 'right')),
  });
  for (const row of rows) table.push(Object.keys(COLUMNS).map((key) => row[key]));
  return table.toString();
}

/** One of the words, or undefined where nothing is said. */
function oneOf<T extends string>(option: string, value: string | undefined, words: readonly T[]): T | undefined {
  if (value === undefined || words.includes(value as T)) return value as T | undefined;
  throw new Error(`--${option} is ${words.join(' or ')}, not '${value}'.`);
}

const command = defineCommand({
  meta: { name: 'bench:train', description: 'Times float and QAT training steps, medians' },
  args: {
    json: { type: 'boolean', description: 'Print a line of JSON for each workload', default: false },
    backend: { type: 'string', description: 'wasm or reference', default: 'wasm' },
    threads: { type: 'string', description: 'Threads; by default the number of cores' },
    simd: { type: 'string', description: 'Bits of a vector: 128, or 256 with Node 24 and newer' },
    mode: { type: 'string', description: 'portable or fast; by default fast with 256 bits, else portable' },
    node: { type: 'string', description: 'Version of Node to run with, such as 24, brought by npx' },
    steps: { type: 'string', description: 'Timed steps per figure', default: '7' },
  },
  async run({ args }) {
    if (args.node !== undefined) {
      runWith(args.node);
      return;
    }
    const names = args._.length > 0 ? args._ : Object.keys(WORKLOADS);
    checkWorkloads(names);
    const backend = oneOf('backend', args.backend, ['wasm', 'reference']);
    const simd = oneOf('simd', args.simd, ['128', '256']) === undefined ? undefined : (Number(args.simd) as 128 | 256);
    const mode = oneOf('mode', args.mode, ['portable', 'fast']);
    const threads = args.threads === undefined ? undefined : Number(args.threads);
    await init(
      backend === 'reference'
        ? { backend, threads }
        : { backend, threads, simd, mode: mode ?? (simd === 256 ? 'fast' : 'portable') },
    );
    const used = info();
    const rows: Figures[] = [];
    for (const name of names) {
      const row: Figures = {
        workload: name,
        threads: used.threads,
        simd: used.simd ?? 0,
        mode: used.mode ?? used.backend,
        engine: `node ${process.version}`,
        ...(await measure(name, Number(args.steps))),
      };
      rows.push(row);
      if (args.json) console.log(JSON.stringify(row));
      else console.error(`${name} ...`);
    }
    if (args.json) return;
    const { threads: count, reasons } = used;
    console.log(
      `node ${process.version}, ${count} thread${count === 1 ? '' : 's'}, mode ${rows[0]?.mode}. ${reasons.simd}`,
    );
    console.log(tableOf(rows));
  },
});

await runMain(command);
