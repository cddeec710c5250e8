/** Kernels on tensors without elements, and on sums over no element: as the reference, and nothing is written anywhere. */
import { describe, expect, it } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { createRandom, sizeOf, uniform } from '../conformance/kernelCase.js';

const backend = WasmBackend.create({ guard: true, threads: 1 });

const pool = { kernel: [2, 2], strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0] };
const convolution = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1], groups: 1 };
const sgd = { learningRate: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false, first: false };
const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, decoupled: false, step: 2 };

const RANGE = { levels: 256, levelLow: 0, levelHigh: 255 };

type Case<K extends KernelName> = readonly [
  kernel: K,
  inputs: readonly (readonly number[])[],
  attributes: KernelAttributes[K],
  outputs: readonly (readonly number[])[],
];
const one = <K extends KernelName>(...values: Case<K>): Case<KernelName> => values as unknown as Case<KernelName>;

const CASES: readonly Case<KernelName>[] = [
  one('unary', [[0, 3]], { function: 'gelu' }, [[0, 3]]),
  one('binary', [[0], [1]], { function: 'add' }, [[0]]),
  one('clamp', [[2, 0]], { min: 0, max: 1 }, [[2, 0]]),
  one('elu', [[0]], { alpha: 1 }, [[0]]),
  one('reduce', [[0, 3]], { function: 'sum', axes: [0] }, [[3]]),
  one('reduce', [[0, 3]], { function: 'sum', axes: [1] }, [[0]]),
  one('reduce', [[3, 0, 2]], { function: 'prod', axes: [1, 2] }, [[3]]),
  one('broadcast', [[1, 3]], {}, [[0, 3]]),
  one('transpose', [[4, 0, 2]], { order: [2, 0, 1] }, [[2, 4, 0]]),
  one(
    'concat',
    [
      [0, 2],
      [0, 2],
    ],
    { axis: 0 },
    [[0, 2]],
  ),
  one('slice', [[3, 4]], { begin: [3, 0], steps: [1, 1] }, [[0, 4]]),
  one('sliceGradient', [[0, 4]], { begin: [3, 0], steps: [1, 1] }, [[3, 4]]),
  one('pad', [[0, 2]], { padsBegin: [1, 0], padsEnd: [1, 1], mode: 'constant', value: 3 }, [[2, 3]]),
  one(
    'matMul',
    [
      [0, 5],
      [5, 3],
    ],
    { transposeA: false, transposeB: false },
    [[0, 3]],
  ),
  one(
    'matMul',
    [
      [4, 0],
      [0, 3],
    ],
    { transposeA: false, transposeB: false },
    [[4, 3]],
  ),
  one(
    'matMul',
    [
      [5, 4],
      [0, 5],
    ],
    { transposeA: true, transposeB: true },
    [[4, 0]],
  ),
  one(
    'matMul',
    [
      [0, 4, 5],
      [0, 5, 2],
    ],
    { transposeA: false, transposeB: false },
    [[0, 4, 2]],
  ),
  one(
    'conv2d',
    [
      [0, 8, 6, 6],
      [8, 8, 3, 3],
    ],
    convolution,
    [[0, 8, 6, 6]],
  ),
  one(
    'conv2dInputGradient',
    [
      [0, 8, 6, 6],
      [8, 8, 3, 3],
    ],
    convolution,
    [[0, 8, 6, 6]],
  ),
  one(
    'conv2dFilterGradient',
    [
      [0, 8, 6, 6],
      [0, 8, 6, 6],
    ],
    convolution,
    [[8, 8, 3, 3]],
  ),
  one(
    'conv2dFilterGradient',
    [
      [0, 4, 6, 6],
      [0, 4, 6, 6],
    ],
    { ...convolution, groups: 4 },
    [[4, 1, 3, 3]],
  ),
  one('avgPool2d', [[0, 3, 4, 4]], { ...pool, excludePad: true }, [[0, 3, 2, 2]]),
  one('avgPool2dGradient', [[0, 3, 2, 2]], { ...pool, excludePad: true }, [[0, 3, 4, 4]]),
  one('adaptiveAvgPool2d', [[0, 3, 4, 4]], {}, [[0, 3, 1, 1]]),
  one('adaptiveAvgPool2dGradient', [[0, 3, 1, 1]], {}, [[0, 3, 4, 4]]),
  one('softmax', [[0, 5]], { axis: 1 }, [[0, 5]]),
  one('logSoftmax', [[3, 0]], { axis: 0 }, [[3, 0]]),
  one('mvn', [[0, 5]], { axes: [1], epsilon: 1e-5 }, [[0, 5]]),
  one('fakeQuantize', [[0, 3], [1], [1]], { levels: 256 }, [[0, 3]]),
  one(
    'fakeQuantize',
    [
      [4, 0],
      [4, 1],
      [4, 1],
    ],
    { levels: 256 },
    [[4, 0]],
  ),
  one('fakeQuantizeGradient', [[0, 3], [0, 3], [1], [1]], RANGE, [[0, 3], [1], [1]]),
  one(
    'fakeQuantizeGradient',
    [
      [0, 3, 2],
      [0, 3, 2],
      [1, 3, 1],
      [1, 3, 1],
    ],
    RANGE,
    [
      [0, 3, 2],
      [1, 3, 1],
      [1, 3, 1],
    ],
  ),
  one(
    'fakeQuantizeGradient',
    [
      [5, 0],
      [5, 0],
      [5, 1],
      [5, 1],
    ],
    RANGE,
    [
      [5, 0],
      [5, 1],
      [5, 1],
    ],
  ),
  one('reduce', [[0, 3, 4]], { function: 'sum', axes: [0, 2] }, [[3]]),
  one('batchNormStatistics', [[0, 3, 4], [3], [3]], { epsilon: 1e-5 }, [[3], [3], [3]]),
  one('sgdUpdate', [[0], [0], [0]], sgd, [[0], [0]]),
  one('adamUpdate', [[0], [0], [0], [0]], adam, [[0], [0], [0]]),
];

const float = (shape: readonly number[]): TensorType => ({ shape, dtype: 'float32' });

/** What kernels get is not cleared; this makes sure that it is not zero by chance. */
function makeDirty(): void {
  const sizes = [1, 16, 32, 64, 128];
  const storages = [...sizes, ...sizes].map((length) => backend.upload(new Float32Array(length).fill(77), 'float32'));
  for (const storage of storages) backend.release(storage);
}

describe('tensors without elements', () => {
  it.each(CASES.map((each) => [`${each[0]} ${each[1].map((shape) => `[${shape}]`).join(' ')}`, each] as const))(
    '%s',
    (_name, [kernel, shapes, attributes, outputShapes]) => {
      const inputs = shapes.map((shape, index) => uniform(createRandom(index + 1), shape, 0.5, 2));
      const outputs = outputShapes.map(float);
      makeDirty();
      const operands = inputs.map(({ shape, dtype, values }) => ({
        shape,
        dtype,
        storage: backend.upload(values.slice(), dtype),
      }));
      const results = backend.run(kernel, operands, attributes, outputs);
      const wanted = runReferenceKernel(kernel, inputs, attributes, outputs);
      results.forEach((result, index) => {
        expect(result.length).toBe(sizeOf(outputShapes[index]));
        expect([...backend.readSync(result)]).toEqual([...wanted[index]]);
        backend.release(result);
      });
      for (const { storage } of operands) backend.release(storage);
    },
  );
});
