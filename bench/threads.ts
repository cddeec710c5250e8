/**
 * What threads cost and bring: `node --import tsx bench/threads.ts [--threads N]`.
 *
 * The cost of a fork and join of an empty phase, with workers that still spin and with workers that sleep; the cost of a
 * barrier inside a list of calls; and the speed of N threads against one for kernels of several sizes. Rounds of both
 * alternate, and medians are shown, since other programs may be running.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { KernelAttributes, KernelName, Operand, TensorType } from '../src/kernels/contract.js';
import { ModuleBuilder } from '../src/kernels/wasm/assembler/module.js';
import { WasmBackend } from '../src/kernels/wasm/backend.js';
import { type KernelFunction, kernelParameters, sizeOf } from '../src/kernels/wasm/kernel.js';
import { Crew } from '../src/kernels/wasm/threads/crew.js';
import { FunctionTable } from '../src/kernels/wasm/threads/functionTable.js';
import { findThreadHost } from '../src/kernels/wasm/threads/host.js';
import type { PhaseCall } from '../src/kernels/wasm/threads/phaseCall.js';

const { values } = parseArgs({ options: { threads: { type: 'string' } } });
const threads = Number(values.threads ?? availableParallelism());

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

function time(body: () => void): number {
  const start = performance.now();
  body();
  return performance.now() - start;
}

function busy(microseconds: number): void {
  for (const end = performance.now() + microseconds / 1000; performance.now() < end; );
}

async function forkAndJoin(): Promise<void> {
  const host = await findThreadHost();
  if (!host) return;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const builder = new ModuleBuilder({ initialPages: 1, maximumPages: 1, shared: true });
  builder.function('nothing', kernelParameters(['a', 'b', 'c']), () => {});
  const bytes = builder.encode();
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const nothing = exports.nothing as KernelFunction;
  const table = new FunctionTable();
  table.register(['nothing'], [nothing], bytes);
  const call: PhaseCall = {
    key: 'nothing',
    function: nothing,
    entry: table.entry(nothing),
    units: threads,
    cost: 0,
    scalars: 0,
  };
  const crew = new Crew(host, memory, threads);
  await crew.ready;
  const run = (phases: number): void => {
    crew.calls.clear();
    for (let phase = 0; phase < phases; phase++) crew.calls.add(call, [0, 0, 0, 0, threads], true);
    crew.run(crew.threads);
  };
  for (let warm = 0; warm < 3000; warm++) run(4);
  const after = (microseconds: number): number => {
    busy(microseconds);
    return time(() => run(1));
  };
  const rows: [string, (repeat: number) => number][] = [
    ['back to back', () => time(() => run(1))],
    ['after 5 us of other work', () => after(5)],
    ['after 100 us of other work', () => after(100)],
    ['per phase of a list of 100', () => time(() => run(100)) / 100],
  ];
  console.log(`fork and join of nothing, ${crew.threads} threads, us: median (90th percentile)`);
  for (const [name, measure] of rows) {
    const times = Array.from({ length: 3000 }, (_, index) => measure(index) * 1000).sort((a, b) => a - b);
    console.log(`  ${name.padEnd(28)} ${times[1500].toFixed(2).padStart(8)} (${times[2700].toFixed(2)})`);
  }
  await crew.dispose();
}

interface Work<K extends KernelName = KernelName> {
  readonly name: string;
  readonly kernel: K;
  readonly inputs: readonly TensorType[];
  readonly attributes: KernelAttributes[K];
  readonly output: TensorType;
}

const float = (...shape: number[]): TensorType => ({ shape, dtype: 'float32' });
const addition = (length: number): Work<'binary'> => ({
  name: `a + b, ${length} elements`,
  kernel: 'binary',
  inputs: [float(length), float(length)],
  attributes: { function: 'add' },
  output: float(length),
});
const product = (size: number): Work<'matMul'> => ({
  name: `matrix product ${size}`,
  kernel: 'matMul',
  inputs: [float(size, size), float(size, size)],
  attributes: { transposeA: false, transposeB: false },
  output: float(size, size),
});
const convolution = (channels: number, size: number): Work<'conv2d'> => ({
  name: `3x3 convolution, batch 32, ${channels} channels, ${size}x${size}`,
  kernel: 'conv2d',
  inputs: [float(32, channels, size, size), float(channels, channels, 3, 3)],
  attributes: { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1], groups: 1 },
  output: float(32, channels, size, size),
});

function runs({ kernel, inputs, attributes, output }: Work, backend: WasmBackend, minimum: number): () => number {
  const operands = inputs.map(
    (type): Operand => ({
      ...type,
      storage: backend.upload(Float32Array.from({ length: sizeOf(type.shape) }, Math.random), type.dtype),
    }),
  );
  const once = (): void => {
    const [result] = backend.run(kernel, operands, attributes, [output]);
    backend.release(result);
  };
  const trial = Math.max(time(once), time(once), 0.001);
  const repeat = Math.max(Math.round(minimum / trial), 1);
  return () =>
    time(() => {
      for (let index = 0; index < repeat; index++) once();
    }) / repeat;
}

async function speedUp(): Promise<void> {
  const one = WasmBackend.create({ threads: 1 });
  const many = WasmBackend.create({ threads });
  await many.setThreads(threads);
  console.log(`\n${threads} threads against 1, call by call: ms, ms, ratio`);
  const works = [
    ...[8192, 32_768, 131_072, 1_048_576].map(addition),
    ...[128, 256, 512].map(product),
    ...(
      [
        [16, 32],
        [64, 32],
        [512, 4],
      ] as const
    ).map(([channels, size]) => convolution(channels, size)),
  ] as Work[];
  for (const work of works) {
    const [single, shared] = [one, many].map((backend) => runs(work, backend, 5));
    const pairs = Array.from({ length: 21 }, () => [single(), shared()]);
    const [before, after] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))];
    console.log(
      `  ${work.name.padEnd(48)} ${before.toFixed(4).padStart(9)} ${after.toFixed(4).padStart(9)} ${(before / after).toFixed(2).padStart(6)}`,
    );
  }
  await many.dispose();
}

await forkAndJoin();
await speedUp();
