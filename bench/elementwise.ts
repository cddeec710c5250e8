/**
 * Speed of the elementwise, reduction and layout kernels: billions of input elements a second, reference against
 * WebAssembly, on tensors that fit the second-level cache and on tensors that do not.
 *
 *   npx tsx bench/elementwise.ts [--threads=N] [name ...]      (1 thread unless told)
 */
import type { Backend, KernelAttributes, KernelName, Operand, TensorType } from '../src/kernels/contract.js';
import { allocateArray, type DType } from '../src/kernels/dtype.js';
import { ReferenceBackend } from '../src/kernels/reference/backend.js';
import { WasmBackend } from '../src/kernels/wasm/backend.js';

interface Row<K extends KernelName = KernelName> {
  readonly name: string;
  readonly kernel: K;
  readonly inputs: readonly TensorType[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
}

const type = (shape: readonly number[], dtype: DType = 'float32'): TensorType => ({ shape, dtype });
const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
const row = <K extends KernelName>(
  name: string,
  kernel: K,
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
): Row => ({ name, kernel, inputs, attributes, outputs }) as Row;

/** An activation, a weight and rows of classes, as in a step of a small network; `batch` scales the first. */
function rowsFor(batch: number): Row[] {
  const x = type([batch, 16, 32, 32]);
  const channels = type([16]);
  const one = type([1]);
  const signed = { levels: 256, levelLow: -128, levelHigh: 127 };
  const perChannel = type([1, 16, 1, 1]);
  const weights = type([batch * 16, 1024]);
  const perRow = type([batch * 16, 1]);
  const logits = type([batch * 16, 1000]);
  const spatial = { padsBegin: [0, 0, 1, 1], padsEnd: [0, 0, 1, 1], mode: 'constant' as const };
  const padded = type([batch, 16, 34, 34]);
  const unaryNames = ['relu', 'exp', 'log', 'tanh', 'sigmoid', 'erf', 'gelu', 'geluTanh', 'softplus', 'mish'] as const;
  return [
    row('add', 'binary', [x, x], { function: 'add' }, [x]),
    row('add channel', 'binary', [x, perChannel], { function: 'add' }, [x]),
    row('greater', 'binary', [x, one], { function: 'greater' }, [type(x.shape, 'bool')]),
    row('power', 'binary', [x, x], { function: 'power' }, [x]),
    ...unaryNames.map((name) => row(name, 'unary', [x], { function: name }, [x])),
    row('fakeQuantize', 'fakeQuantize', [x, one, one], { levels: 256 }, [x]),
    row('fakeQuantize rows', 'fakeQuantize', [weights, perRow, perRow], { levels: 255 }, [weights]),
    row('fakeQuantizeGradient', 'fakeQuantizeGradient', [x, x, one, one], signed, [x, one, one]),
    row('fakeQuantizeGradient rows', 'fakeQuantizeGradient', [weights, weights, perRow, perRow], signed, [
      weights,
      perRow,
      perRow,
    ]),
    row('batchNorm', 'batchNorm', [x, channels, channels], { epsilon: 1e-5 }, [x, channels, channels]),
    row('batchNormGradient', 'batchNormGradient', [x, x, channels, channels, channels], { epsilon: 1e-5 }, [
      x,
      channels,
      channels,
    ]),
    row('mvn', 'mvn', [logits], { axes: [1], epsilon: 1e-5 }, [logits]),
    row('softmax', 'softmax', [logits], { axis: 1 }, [logits]),
    row('logSoftmax', 'logSoftmax', [logits], { axis: 1 }, [logits]),
    row('softmax channels', 'softmax', [x], { axis: 1 }, [x]),
    row('sum', 'reduce', [x], { function: 'sum', axes: [0, 1, 2, 3] }, [type([])]),
    row('sum per channel', 'reduce', [x], { function: 'sum', axes: [0, 2, 3] }, [channels]),
    row('sum over batch', 'reduce', [logits], { function: 'sum', axes: [0] }, [type([1000])]),
    row('max', 'reduce', [x], { function: 'max', axes: [0, 1, 2, 3] }, [type([])]),
    row(
      'sgdUpdate',
      'sgdUpdate',
      [x, x, x],
      { learningRate: 0.1, momentum: 0.9, dampening: 0, weightDecay: 1e-4, nesterov: false, first: false },
      [x, x],
    ),
    row(
      'adamUpdate',
      'adamUpdate',
      [x, x, x, x],
      { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, decoupled: false, step: 3 },
      [x, x, x],
    ),
    row('transpose 2-D', 'transpose', [weights], { order: [1, 0] }, [type([1024, batch * 16])]),
    row('transpose to NHWC', 'transpose', [x], { order: [0, 2, 3, 1] }, [type([batch, 32, 32, 16])]),
    row('transpose to NCHW', 'transpose', [type([batch, 32, 32, 16])], { order: [0, 3, 1, 2] }, [x]),
    row('concat channels', 'concat', [x, x], { axis: 1 }, [type([batch, 32, 32, 32])]),
    row('slice', 'slice', [padded], { begin: [0, 0, 1, 1], steps: [1, 1, 1, 1] }, [x]),
    row('pad', 'pad', [x], { ...spatial, value: 0 }, [padded]),
    row('gather', 'gather', [weights, type([512], 'int32')], { axis: 0 }, [type([512, 1024])]),
  ];
}

/** Positive numbers; indices that exist. */
function upload(backend: Backend, { shape, dtype }: TensorType): Operand {
  const values = allocateArray(dtype, size(shape));
  for (let index = 0; index < values.length; index++)
    values[index] = dtype === 'int32' ? index % 16 : ((index * 7919) % 1000) / 500 + 0.01;
  return { shape, dtype, storage: backend.upload(values, dtype) };
}

/** Median milliseconds of a call. */
function time(backend: Backend, { kernel, inputs, attributes, outputs }: Row, budget: number): number {
  const operands = inputs.map((input) => upload(backend, input));
  const call = (): number => {
    const start = performance.now();
    const results = backend.run(kernel, operands, attributes, outputs);
    const duration = performance.now() - start;
    for (const result of results) backend.release?.(result);
    return duration;
  };
  for (const end = performance.now() + budget; performance.now() < end; ) call();
  const durations: number[] = [];
  for (const end = performance.now() + budget; performance.now() < end || durations.length < 3; )
    durations.push(call());
  for (const { storage } of operands) backend.release?.(storage);
  return durations.sort((a, b) => a - b)[durations.length >> 1];
}

const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith('--'));
const threads = Number(words.find((word) => word.startsWith('--threads='))?.slice('--threads='.length) ?? 1);
const reference = new ReferenceBackend();
const wasm = WasmBackend.create({ threads });
await wasm.setThreads(threads);
console.log(['kernel'.padEnd(28), 'reference', '     wasm', '  (large)', 'covered'].join('  '));
const [small, large] = [rowsFor(8), rowsFor(256)];
small.forEach((each, index) => {
  if (wanted.length > 0 && !wanted.some((name) => each.name.startsWith(name))) return;
  const speed = (backend: Backend, which: Row, budget: number): string => {
    const elements = size((which.kernel === 'gather' ? which.outputs : which.inputs)[0].shape);
    return (elements / time(backend, which, budget) / 1e6).toFixed(3).padStart(9);
  };
  const line = [speed(reference, each, 60), speed(wasm, each, 150), speed(wasm, large[index], 150)];
  const covered = wasm.info().fallbacks.get(each.kernel) ? 'fallback' : 'wasm';
  console.log([each.name.padEnd(28), ...line, covered].join('  '));
});
await wasm.dispose();
