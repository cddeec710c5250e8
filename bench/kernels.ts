/**
 * Speed of single kernels on one thread, on the reference backend and on WebAssembly, in one run: `npx tsx bench/kernels.ts`.
 * Arguments pick benchmarks whose name contains them; `--wasm` leaves the reference out; `--simd=256` (Node 24 and newer)
 * and `--mode=fast` say how WebAssembly computes. The times are the processor's, so that other programs disturb less.
 */
import { Bench } from 'tinybench';
import type { Backend, Conv2dAttributes, KernelAttributes, KernelName, Operand } from '../src/kernels/contract.js';
import { ReferenceBackend } from '../src/kernels/reference/backend.js';
import { WasmBackend } from '../src/kernels/wasm/backend.js';
import type { SimdBits } from '../src/kernels/wasm/environment.js';
import type { NumericMode } from '../src/kernels/wasm/numerics.js';

type Shape = readonly number[];

interface Case<K extends KernelName = KernelName> {
  readonly name: string;
  readonly kernel: K;
  readonly inputs: readonly Shape[];
  readonly attributes: KernelAttributes[K];
  readonly output: Shape;
  /** Multiply-adds of one call, counted as two. */
  readonly operations: number;
}

const size = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

const product = (n: number): Case => ({
  name: `matMul ${n}`,
  kernel: 'matMul',
  inputs: [
    [n, n],
    [n, n],
  ],
  attributes: { transposeA: false, transposeB: false },
  output: [n, n],
  operations: 2 * n ** 3,
});

/** A convolution with its two gradients. */
function convolution(name: string, x: Shape, w: Shape, stride: number, groups = 1): Case[] {
  const pad = (w[2] - 1) / 2;
  const pads = [pad, pad];
  const attributes: Conv2dAttributes = {
    strides: [stride, stride],
    padsBegin: pads,
    padsEnd: pads,
    dilations: [1, 1],
    groups,
  };
  const y = [x[0], w[0], Math.ceil(x[2] / stride), Math.ceil(x[3] / stride)];
  const operations = 2 * size(y) * size(w.slice(1));
  return [
    { name, kernel: 'conv2d', inputs: [x, w], attributes, output: y, operations },
    { name: `${name} dx`, kernel: 'conv2dInputGradient', inputs: [y, w], attributes, output: x, operations },
    { name: `${name} dw`, kernel: 'conv2dFilterGradient', inputs: [x, y], attributes, output: w, operations },
  ];
}

const CASES: readonly Case[] = [
  ...[256, 512, 1024].map(product),
  ...convolution('conv 3x3 64ch@32 b8', [8, 64, 32, 32], [64, 64, 3, 3], 1),
  ...convolution('conv 3x3 256ch@8 b8', [8, 256, 8, 8], [256, 256, 3, 3], 1),
  ...convolution('conv 3x3 16ch@32 b8', [8, 16, 32, 32], [16, 16, 3, 3], 1),
  ...convolution('conv 3x3 512ch@4 b8', [8, 512, 4, 4], [512, 512, 3, 3], 1),
  ...convolution('conv 3x3/2 64->128@32 b8', [8, 64, 32, 32], [128, 64, 3, 3], 2),
  ...convolution('conv 1x1 96->24@32 b8', [8, 96, 32, 32], [24, 96, 1, 1], 1),
  ...convolution('depthwise 3x3 96ch@32 b8', [8, 96, 32, 32], [96, 1, 3, 3], 1, 96),
  ...convolution('depthwise 3x3/2 96ch@32 b8', [8, 96, 32, 32], [96, 1, 3, 3], 2, 96),
  ...convolution('conv 7x7/2 3->64@64 b8', [8, 3, 64, 64], [64, 3, 7, 7], 2),
];

function prepare(backend: Backend, { kernel, inputs, attributes, output }: Case): () => void {
  const operands: Operand[] = inputs.map((shape) => ({
    shape,
    dtype: 'float32',
    storage: backend.upload(Float32Array.from({ length: size(shape) }, Math.random), 'float32'),
  }));
  return () => {
    const [storage] = backend.run(kernel, operands, attributes, [{ shape: output, dtype: 'float32' }]);
    backend.release?.(storage);
  };
}

const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** GF/s from the median time. */
async function measure(backend: Backend, one: Case): Promise<number> {
  const bench = new Bench({ time: 300, warmupTime: 100, warmupIterations: 2, iterations: 3, now: processorTime });
  bench.add(one.name, prepare(backend, one));
  await bench.run();
  const [{ result }] = bench.tasks;
  if (result.state !== 'completed') throw new Error(`${one.name} did not complete`);
  return one.operations / result.latency.p50 / 1e6;
}

const words = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const withReference = !process.argv.includes('--wasm');
const option = (name: string): string | undefined =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const simd = option('simd') === undefined ? undefined : (Number(option('simd')) as SimdBits);
const wasmBackend = WasmBackend.create({ threads: 1, simd, mode: option('mode') as NumericMode | undefined });
const { mode, relaxed, simd: bits } = wasmBackend.info();
console.log(
  `${process.version}, ${mode}, ${relaxed ? 'relaxed multiply-add' : 'plain'}, ${bits} bits; GF/s: reference, wasm, ratio`,
);
for (const one of CASES) {
  if (words.length > 0 && !words.some((word) => one.name.includes(word))) continue;
  const reference = withReference ? await measure(new ReferenceBackend(), one) : Number.NaN;
  const wasm = await measure(wasmBackend, one);
  const cells = [reference, wasm, wasm / reference].map((value) => value.toFixed(2).padStart(8));
  console.log(`${one.name.padEnd(32)} ${cells.join(' ')}`);
}
