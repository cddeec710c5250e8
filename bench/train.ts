/**
 * Times training steps: npm run bench:train -- [--json] [--backend wasm|reference] [--threads N] [--steps N] WORKLOAD...
 * A step is zeroGrad, forward, cross entropy, backward, SGD with momentum 0.9. Prints one JSON line per workload.
 */
import { defineCommand, runMain } from 'citty';
import {
  functional as F,
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
import { GraphModule } from '../src/graph/graphModule.js';
import { trace } from '../src/graph/trace.js';
import { getThreads, setThreads } from '../src/kernels/wasm/threads/count.js';
import { WORKLOADS } from './networks.js';

async function medianMs(step: () => void, steps: number): Promise<number> {
  const bench = new Bench({ time: 0, iterations: steps, warmupTime: 0, warmupIterations: 2 });
  bench.add('step', step);
  const [task] = await bench.run();
  const { result } = task;
  if (!('latency' in result))
    throw new Error(`The step failed: ${String('error' in result ? result.error : result.state)}`);
  return Math.round(result.latency.p50 * 100) / 100;
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
  const { graph, structure } = trace(float, [x]);
  const compiled = new GraphModule(graph, structure).train();
  const step = trainingStep(compiled, 1e-4, x, y);
  const started = performance.now();
  step();
  const first = performance.now() - started;
  const fp32 = await medianMs(step, steps);
  compiled.eval();
  const infer = await medianMs(() => void noGrad(() => compiled.forward(x)), steps);
  const quantized = (await quantize(float, [x], { subsetSize: 1 })).train();
  const qat = await medianMs(trainingStep(quantized, 1e-5, x, y), steps);
  return {
    fp32_step_ms: fp32,
    qat_step_ms: qat,
    fp32_infer_ms: infer,
    first_step_ms: Math.round(first),
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

const command = defineCommand({
  meta: { name: 'bench:train', description: 'Times float and QAT training steps' },
  args: {
    json: { type: 'boolean', description: 'Print JSON lines (the only form there is)', default: true },
    backend: { type: 'string', description: 'wasm or reference', default: 'wasm' },
    threads: { type: 'string', description: 'Threads; by default the number of cores' },
    steps: { type: 'string', description: 'Timed steps per figure', default: '7' },
  },
  async run({ args }) {
    const names = args._.length > 0 ? args._ : Object.keys(WORKLOADS);
    for (const name of names) {
      if (!(name in WORKLOADS))
        throw new Error(`Unknown workload '${name}'; there are ${Object.keys(WORKLOADS).join(', ')}.`);
    }
    if (args.threads !== undefined) setThreads(Number(args.threads));
    await init({ backend: args.backend === 'reference' ? 'reference' : 'wasm' });
    for (const name of names) {
      const figures = await measure(name, Number(args.steps));
      console.log(
        JSON.stringify({
          workload: name,
          threads: getThreads(),
          simd: 128,
          engine: `node ${process.version}`,
          ...figures,
        }),
      );
    }
  },
});

await runMain(command);
