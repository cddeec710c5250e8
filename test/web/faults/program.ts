/** What the pages and their workers do when something is missing or breaks. Each gives a note, or throws. */
import {
  CheckpointError,
  data,
  functional as F,
  FormatError,
  info,
  init,
  manualSeed,
  type nn,
  optim,
  QuantGradError,
  quantize,
  randn,
  serializeModel,
  setThreads,
  type Tensor,
  tensor,
} from 'quantgrad';
import { deserializeCheckpoint, serializeCheckpoint } from 'quantgrad/checkpoint';
import { parseIr } from 'quantgrad/ir';
import { DigitsNet } from '../../../examples/digits/network.js';
import { defaultBackend } from '../../../src/tensor/backend.js';
import { fillGraphics, loseGraphics, watchGraphics } from './losses.js';

type Mode = 'webgl2' | 'webgpu';
type Network = nn.Module & { forward(images: Tensor): unknown };
type Batch = readonly [Tensor, Tensor];

const BATCH_SIZE = 16;
const STEPS = 5;
const SIDE = 8;
const LR = 1e-3;
/** Milliseconds after which something counts as hanging. */
const HANGING = 30_000;

function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

const withoutHanging = <T>(promise: Promise<T>): Promise<T> =>
  Promise.race([promise, new Promise<never>((_, reject) => setTimeout(() => reject(new Error('It hangs.')), HANGING))]);

/** The typed error that `body` ends with. */
async function failure(body: () => unknown): Promise<QuantGradError> {
  try {
    await withoutHanging(Promise.resolve(body()));
  } catch (error) {
    ensure(error instanceof QuantGradError, `no typed error: ${error instanceof Error ? error.stack : String(error)}`);
    return error;
  }
  throw new Error('It did not fail.');
}

function expectError(error: QuantGradError, code: string, ...parts: RegExp[]): void {
  const { message } = error;
  ensure(error.code === code, `the code is ${error.code}, not ${code}: ${message}`);
  for (const part of parts) ensure(part.test(message), `the message lacks ${part}: ${message}`);
}

/** The same batches everywhere, on the default backend. */
function batches(count: number): Batch[] {
  return Array.from({ length: count }, (_, step) => {
    const labels = Int32Array.from({ length: BATCH_SIZE }, (_, row) => (row * 7 + step) % 10);
    const images = new Float32Array(BATCH_SIZE * SIDE * SIDE);
    labels.forEach((label, row) => {
      for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
        images[row * SIDE * SIDE + pixel] = ((pixel * (label + 2) + row) % 17) / 16;
      }
    });
    return [tensor(images, { shape: [BATCH_SIZE, 1, SIDE, SIDE] }), tensor(labels)] as const;
  });
}

const lossOf = (model: Network, [images, labels]: Batch): Tensor =>
  F.crossEntropy(model.forward(images) as Tensor, labels);

async function train(model: Network, optimizer: optim.Optimizer, on: readonly Batch[]): Promise<number[]> {
  const losses: number[] = [];
  model.train();
  for (const batch of on) {
    optimizer.zeroGrad();
    const loss = lossOf(model, batch);
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}

async function start(quantized: boolean): Promise<{ model: Network; optimizer: optim.Optimizer }> {
  manualSeed(3);
  const network = new DigitsNet();
  const model = quantized ? await quantize(network, [batches(1)[0][0]]) : network;
  return { model, optimizer: new optim.SGD(model.parameters(), { lr: LR, momentum: 0.9 }) };
}

/** Losses that must agree: rounding differs between backends. */
function compare(actual: readonly number[], expected: readonly number[]): string {
  ensure(actual.length === expected.length, `${actual.length} losses instead of ${expected.length}`);
  const largest = Math.max(...actual.map((loss, step) => Math.abs(loss - expected[step])));
  ensure(largest < 5e-3, `losses ${actual.join(' ')}, without the fault ${expected.join(' ')}`);
  return `losses differ by at most ${largest.toExponential(1)}`;
}

/** Trains, saves, loses the GPU in mid-step, and goes on elsewhere from what was saved. */
async function lostInMidStep({ mode, quantized = false }: { mode: Mode; quantized?: boolean }): Promise<string> {
  watchGraphics();
  await init({ backend: 'wasm' });
  const whole = await start(quantized);
  const expected = await train(whole.model, whole.optimizer, batches(2 * STEPS));

  await init({ backend: 'gpujs', gpuMode: mode });
  const { model, optimizer } = await start(quantized);
  const onGpu = batches(STEPS + 1);
  const losses = await train(model, optimizer, onGpu.slice(0, STEPS));
  const bytes = await serializeCheckpoint({ model, optimizer });

  const onlyThere = onGpu[0][0].add(onGpu[1][0]);
  optimizer.zeroGrad();
  const loss = lossOf(model, onGpu[STEPS]);
  const pending = mode === 'webgpu' ? failure(() => loss.data()) : null;
  // One turn, so that the read has really begun.
  await new Promise((resolve) => setTimeout(resolve, 20));
  loseGraphics(mode);
  const advice = [/was lost/, /init\(\{ backend: 'wasm' \}\)/, /load the last checkpoint/];
  const error = await failure(async () => {
    loss.backward();
    optimizer.step();
    await loss.data();
  });
  expectError(error, 'DEVICE_LOST', ...advice);
  if (pending) {
    // It may have arrived before the loss.
    const outcome = await pending.catch(() => null);
    if (outcome) expectError(outcome, 'DEVICE_LOST', ...advice);
  }
  expectError(await failure(() => onlyThere.data()), 'DEVICE_LOST', ...advice);
  expectError(await failure(() => lossOf(model, onGpu[0]).data()), 'DEVICE_LOST', ...advice);
  // What has a host copy is still there.
  const images = await onGpu[0][0].data();
  ensure(images.length === BATCH_SIZE * SIDE * SIDE, 'the images are gone');

  await init({ backend: 'wasm' });
  const restored = deserializeCheckpoint(bytes, {
    model: new DigitsNet(),
    optimizer: (built) => new optim.SGD((built.model as Network).parameters(), { lr: LR, momentum: 0.9 }),
  });
  losses.push(
    ...(await train(restored.model as Network, restored.optimizer as optim.Optimizer, batches(2 * STEPS).slice(STEPS))),
  );
  const note = compare(losses, expected);
  // And once more on a GPU: the loss was of the device, not of the page.
  await init({ backend: 'gpujs', gpuMode: mode });
  const again = await start(quantized);
  compare(await train(again.model, again.optimizer, batches(1)), expected.slice(0, 1));
  return note;
}

async function outOfMemory({ mode }: { mode: Mode }): Promise<string> {
  watchGraphics();
  const backend = await init({ backend: 'gpujs', gpuMode: mode });
  const { model, optimizer } = await start(false);
  const [batch] = batches(1);
  await train(model, optimizer, [batch]);
  const loss = lossOf(model, batch);
  fillGraphics(mode);
  const error = await failure(() => loss.data());
  expectError(
    error,
    'OUT_OF_GPU_MEMORY',
    /QuantGrad has [\d.]+ MB/,
    /smaller batches/,
    /init\(\{ backend: 'wasm' \}\)/,
  );
  ensure(Number(error.details.bytesInUse) > 10_000, `details: ${JSON.stringify(error.details)}`);
  // What rests on memory that was not there must not be used by accident.
  expectError(await failure(() => lossOf(model, batch).data()), 'OUT_OF_GPU_MEMORY');
  await (backend as unknown as { dispose(): Promise<void> }).dispose();
  await init({ backend: 'wasm' });
  const other = await start(false);
  await train(other.model, other.optimizer, batches(1));
  return error.message;
}

/** A GPU whose largest texture is small: what WebGL promises is 2048, here it says less so that little memory is enough. */
async function tooLarge(): Promise<string> {
  const prototype = WebGL2RenderingContext.prototype;
  const original = prototype.getParameter;
  prototype.getParameter = function (name: number): unknown {
    return name === this.MAX_TEXTURE_SIZE ? 512 : original.call(this, name);
  };
  await init({ backend: 'gpujs', gpuMode: 'webgl2' });
  const [column, row] = [randn([1000, 1]), randn([1, 1000])];
  for (const compute of [() => column.add(row), () => randn([1000, 1000]).relu()]) {
    const error = await failure(() => compute().data());
    expectError(error, 'GPU_ARRAY_TOO_LARGE', /larger than this GPU's largest/, /smaller batches/i);
  }
  const error = await failure(() => column.add(row).data());
  // The backend goes on.
  const three = await tensor([1, 2])
    .add(tensor([2, 1]))
    .data();
  ensure(three[0] === 3 && three[1] === 3, `1 + 2 is ${three.join(' ')}`);
  return error.message;
}

/** More elements than float32 can count, which kernels do; and than many textures hold. */
async function manyElements({ mode }: { mode: Mode }): Promise<string> {
  await init({ backend: 'gpujs', gpuMode: mode });
  const side = 4200;
  const [column, row] = [randn([side, 1]), randn([1, side])];
  const [sums, left, right] = await Promise.all([column.add(row).data(), column.data(), row.data()]);
  for (let element = 0; element < side * side; element += 997) {
    const expected = Math.fround(left[Math.floor(element / side)] + right[element % side]);
    ensure(sums[element] === expected, `element ${element} is ${sums[element]}, not ${expected}`);
  }
  return `${sums.length} elements`;
}

/** Neither WebGPU nor WebGL 2. */
async function noGraphics(): Promise<string> {
  for (const gpuMode of ['webgpu', 'webgl2'] as const) {
    const error = await failure(() => init({ backend: 'gpujs', gpuMode }));
    expectError(
      error,
      'MODE_UNAVAILABLE',
      new RegExp(`cannot run in mode '${gpuMode}'`),
      /there is no/i,
      /Choose another/,
    );
  }
  await init({ backend: 'auto' });
  const { backend, reasons } = info();
  ensure(backend === 'wasm' && /WebGPU: .*WebGL 2: it is not here/.test(reasons.backend), reasons.backend);
  const { model, optimizer } = await start(true);
  await train(model, optimizer, batches(1));
  return reasons.backend;
}

/** Graphics in software: they work when asked for, and `auto` does not take them, nor load GPU.js. */
async function software(): Promise<string> {
  await init({ backend: 'auto' });
  const { backend, reasons } = info();
  ensure(backend === 'wasm', `${backend} was chosen: ${reasons.backend}`);
  ensure(
    /WebGPU: it is rendered in software .*WebGL 2: it is rendered in software/.test(reasons.backend),
    reasons.backend,
  );
  const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
  ensure(!loaded.some((name) => /\/gpu-/.test(name)), `GPU.js was loaded: ${loaded.join(' ')}`);
  return reasons.backend;
}

async function noSimd(): Promise<string> {
  expectError(await failure(() => init({ backend: 'wasm' })), 'WASM_SIMD_MISSING', /'reference' backend/);
  for (const options of [{}, { backend: 'auto' } as const]) {
    await init(options);
    ensure(info().backend === 'reference', `the backend is ${info().backend}`);
    ensure(info().reasons.backend.includes('This JavaScript engine has no WebAssembly SIMD.'), info().reasons.backend);
  }
  const { model, optimizer } = await start(true);
  await train(model, optimizer, batches(1));
  return info().reasons.backend;
}

/** Threads that cannot be had. */
async function oneThread({ because }: { because: string }): Promise<string> {
  await init({ backend: 'wasm' });
  setThreads(2);
  const x = randn([256, 256]);
  for (const end = performance.now() + 3000; performance.now() < end && !info().reasons.threads.includes(because); ) {
    await x.matMul(x).data();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { threads, reasons } = info();
  ensure(reasons.threads.includes(because), `${threads} threads: ${reasons.threads}`);
  const { model, optimizer } = await start(true);
  await train(model, optimizer, batches(1));
  return reasons.threads;
}

/** A thread that disappears without a word. */
async function workerKilled(): Promise<string> {
  const workers: Worker[] = [];
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(...values: ConstructorParameters<typeof Original>) {
      super(...values);
      workers.push(this);
    }
  };
  await init({ backend: 'wasm', threads: 2 });
  const running = (): number => (defaultBackend() as unknown as { info(): { threads: number } }).info().threads;
  const x = randn([256, 256]);
  const expected = await x.matMul(x).data();
  for (const end = performance.now() + HANGING; running() < 2 && performance.now() < end; ) {
    await x.matMul(x).data();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  ensure(running() === 2 && workers.length === 1, `${running()} threads, ${workers.length} workers`);
  const { model, optimizer } = await start(false);
  await train(model, optimizer, batches(2));
  const bytes = await serializeCheckpoint({ model, optimizer });
  workers[0].terminate();
  // Chromium lets a thread that never returns go on for two seconds.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const begin = performance.now();
  // In the page this waits without giving the browser a turn, so nothing else can end it.
  let error: unknown;
  try {
    for (let times = 0; times < 100; times++) x.matMul(x);
  } catch (thrown) {
    error = thrown;
  }
  const seconds = (performance.now() - begin) / 1000;
  ensure(error instanceof QuantGradError, `no typed error: ${String(error)}`);
  expectError(error, 'WORKER_DIED', /has ended/, /one thread until setThreads/);
  ensure(seconds < 45, `it took ${seconds} s`);
  ensure(/has ended/.test(info().reasons.threads), info().reasons.threads);
  const after = await x.matMul(x).data();
  ensure(
    after.every((value, index) => value === expected[index]),
    'one thread computes something else',
  );
  const { model: again } = deserializeCheckpoint(bytes, { model: new DigitsNet() });
  await train(again as Network, new optim.SGD((again as Network).parameters(), { lr: LR }), batches(1));
  return `noticed after ${seconds.toFixed(1)} s`;
}

/** A whole training without a timer or a frame: what hidden tabs have late or not at all. */
async function noTimers({ backend }: { backend: 'wasm' | Mode }): Promise<string> {
  // GPU.js is loaded, and asks for an adapter, before.
  await init(backend === 'wasm' ? { backend } : { backend: 'gpujs', gpuMode: backend });
  const never = (): number => 0;
  Object.assign(globalThis, { setTimeout: never, setInterval: never, requestAnimationFrame: never });
  const all = batches(2);
  const dataset = new data.TensorDataset(
    tensor(await all[0][0].data(), { shape: [BATCH_SIZE, 1, SIDE, SIDE] }),
    tensor(await all[0][1].data()),
  );
  const { model, optimizer } = await start(true);
  let steps = 0;
  for await (const batch of new data.DataLoader(dataset, { batchSize: 8, shuffle: true, seed: 1 })) {
    await train(model, optimizer, [batch as unknown as Batch]);
    steps++;
  }
  const bytes = await serializeCheckpoint({ model, optimizer });
  const files = await serializeModel(model.eval());
  ensure(steps === 2 && bytes.length > 1000 && files.bin.length > 1000, `${steps} steps`);
  return `${steps} steps, a checkpoint and an IR`;
}

/** A training that the page's process may freeze in the middle of. */
async function longTraining(): Promise<string> {
  await init({ backend: 'wasm' });
  const expected = await start(false).then(({ model, optimizer }) => train(model, optimizer, batches(4)));
  const { model, optimizer } = await start(false);
  const losses: number[] = [];
  Object.assign(globalThis, { progress: losses });
  for (const batch of batches(4)) {
    losses.push(...(await train(model, optimizer, [batch])));
    // Long enough that it is frozen in between.
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  return compare(losses, expected);
}

/** Files that are something else, or damaged. */
async function wrongFiles(): Promise<string> {
  await init({ backend: 'wasm' });
  const { model, optimizer } = await start(true);
  await train(model, optimizer, batches(1));
  const bytes = await serializeCheckpoint({ model, optimizer });
  const { xml, bin } = await serializeModel(model.eval());
  const before = await model.parameters()[0].data();
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const load = (given: Uint8Array): unknown => deserializeCheckpoint(given, { model }, 'chosen.file');
  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ['an IR', text(xml)],
    ['weights of an IR', bin],
    ['a picture', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13)],
    ['nothing', new Uint8Array()],
    ['half a checkpoint', bytes.subarray(0, bytes.length >> 1)],
    ['a checkpoint with a wrong byte', bytes.map((byte, index) => (index === bytes.length - 9 ? byte ^ 1 : byte))],
  ];
  const messages: string[] = [];
  for (const [name, given] of wrong) {
    const error = await failure(() => load(given));
    ensure(error instanceof CheckpointError || error instanceof FormatError, `${name}: ${error.code}`);
    ensure(error.message.includes('chosen.file'), `${name}: the message does not name the file: ${error.message}`);
    messages.push(error.code);
  }
  for (const [given, weights] of [
    ['not xml at all', bin],
    [xml, bin.subarray(0, 100)],
    [new TextDecoder('latin1').decode(bytes.subarray(0, 1000)), bin],
  ] as const) {
    const error = await failure(() => parseIr(given, weights));
    messages.push(error.code);
  }
  const after = await model.parameters()[0].data();
  ensure(
    after.every((value, index) => value === before[index]),
    'the model was changed',
  );
  load(bytes);
  return messages.join(', ');
}

export const FAULTS = {
  lostInMidStep,
  outOfMemory,
  tooLarge,
  manyElements,
  noGraphics,
  software,
  noSimd,
  oneThread,
  workerKilled,
  noTimers,
  longTraining,
  wrongFiles,
};

export type FaultName = keyof typeof FAULTS;

/** Runs one by name; the result can travel. */
export async function runFault(name: FaultName, given: unknown): Promise<{ note?: string; error?: string }> {
  try {
    return { note: await (FAULTS[name] as (given: unknown) => Promise<string>)(given) };
  } catch (error) {
    return { error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
  }
}
