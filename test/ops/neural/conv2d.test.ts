/** Convolutions against their definition as a sum, their shapes and their errors. */
import { describe, expect, it } from 'vitest';
import { applyOne } from '../../../src/autograd/dispatch.js';
import { type Conv2dOptions, conv2d, convTranspose2d } from '../../../src/ops/neural/conv2d.js';
import {
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
} from '../../../src/ops/neural/convolution.js';
import type { AutoPad } from '../../../src/ops/neural/padding.js';
import { randn, zeros } from '../../../src/tensor/create.js';
import { Generator } from '../../../src/tensor/random.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

interface Geometry {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly begin: readonly number[];
  readonly groups: number;
}

/** The sum that a convolution is, for an output of a given size. */
function naive(
  x: Tensor,
  weight: Tensor,
  [height, width]: readonly number[],
  { stride, dilation, begin, groups }: Geometry,
) {
  const [batch, channels, rows, columns] = x.shape;
  const [outputs, depth, kh, kw] = weight.shape;
  const [xs, ws] = [x.dataSync(), weight.dataSync()];
  const result: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < height; i++)
        for (let j = 0; j < width; j++) {
          let total = 0;
          for (let c = 0; c < depth; c++)
            for (let a = 0; a < kh; a++)
              for (let b = 0; b < kw; b++) {
                const row = i * stride[0] - begin[0] + a * dilation[0];
                const column = j * stride[1] - begin[1] + b * dilation[1];
                if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
                const channel = Math.floor(o / (outputs / groups)) * depth + c;
                total +=
                  xs[((n * channels + channel) * rows + row) * columns + column] *
                  ws[((o * depth + c) * kh + a) * kw + b];
              }
          result.push(total);
        }
  return result;
}

const random = (shape: readonly number[], seed: number) =>
  randn(shape, { dtype: 'float64', generator: new Generator(seed) });

function expectClose(found: Tensor, shape: readonly number[], values: readonly number[]): void {
  expect(found.shape).toEqual(shape);
  found.dataSync().forEach((value, index) => {
    expect(value).toBeCloseTo(values[index], 10);
  });
}

describe('conv2d', () => {
  const cases: [string, number[], number[], Conv2dOptions, Geometry, number[]][] = [
    ['plain', [2, 3, 5, 6], [4, 3, 3, 2], {}, { stride: [1, 1], dilation: [1, 1], begin: [0, 0], groups: 1 }, [3, 5]],
    [
      'strides',
      [1, 2, 7, 6],
      [2, 2, 3, 3],
      { stride: [2, 3], padding: [1, 0] },
      { stride: [2, 3], dilation: [1, 1], begin: [1, 0], groups: 1 },
      [4, 2],
    ],
    [
      'four pads',
      [1, 1, 4, 4],
      [2, 1, 2, 2],
      { padding: [1, 2, 0, 3] },
      { stride: [1, 1], dilation: [1, 1], begin: [1, 2], groups: 1 },
      [4, 8],
    ],
    [
      'dilation',
      [1, 2, 7, 7],
      [2, 2, 3, 2],
      { dilation: [2, 3] },
      { stride: [1, 1], dilation: [2, 3], begin: [0, 0], groups: 1 },
      [3, 4],
    ],
    [
      'groups',
      [1, 4, 4, 4],
      [6, 2, 3, 3],
      { groups: 2, padding: 1 },
      { stride: [1, 1], dilation: [1, 1], begin: [1, 1], groups: 2 },
      [4, 4],
    ],
    [
      'depthwise',
      [2, 3, 5, 5],
      [3, 1, 3, 3],
      { groups: 3, stride: 2, padding: 1 },
      { stride: [2, 2], dilation: [1, 1], begin: [1, 1], groups: 3 },
      [3, 3],
    ],
    [
      'same with an even kernel',
      [1, 1, 5, 4],
      [1, 1, 2, 4],
      { padding: 'same' },
      { stride: [1, 1], dilation: [1, 1], begin: [0, 1], groups: 1 },
      [5, 4],
    ],
    [
      'same with a stride',
      [1, 1, 6, 5],
      [1, 1, 3, 3],
      { padding: 'same', stride: 2 },
      { stride: [2, 2], dilation: [1, 1], begin: [0, 1], groups: 1 },
      [3, 3],
    ],
    [
      'valid',
      [1, 1, 4, 4],
      [1, 1, 3, 3],
      { padding: 'valid' },
      { stride: [1, 1], dilation: [1, 1], begin: [0, 0], groups: 1 },
      [2, 2],
    ],
  ];

  it.each(cases)('is the sum over the window: %s', (_name, shape, weightShape, options, geometry, size) => {
    const [x, weight] = [random(shape, 1), random(weightShape, 2)];
    const expected = naive(x, weight, size, geometry);
    expectClose(conv2d(x, weight, null, options), [shape[0], weightShape[0], ...size], expected);
    const bias = random([weightShape[0]], 3);
    const area = size[0] * size[1];
    const offset = expected.map((value, index) => value + bias.dataSync()[Math.floor(index / area) % weightShape[0]]);
    expectClose(conv2d(x, weight, bias, options), [shape[0], weightShape[0], ...size], offset);
  });

  it.each(['same_upper', 'same_lower'] as const)('puts the odd pixel of %s where it belongs', (autoPad: AutoPad) => {
    const [x, weight] = [random([1, 1, 4, 5], 1), random([1, 1, 2, 2], 2)];
    const attributes = { strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], autoPad };
    const begin = autoPad === 'same_upper' ? [0, 0] : [1, 1];
    const expected = naive(x, weight, [4, 5], { stride: [1, 1], dilation: [1, 1], begin, groups: 1 });
    expectClose(applyOne(CONVOLUTION, [x, weight], attributes), [1, 1, 4, 5], expected);
  });

  it('names the shapes that do not fit', () => {
    const x = zeros([1, 3, 4, 4]);
    expect(() => conv2d(x, zeros([2, 4, 3, 3]))).toThrow(/\[1, 3, 4, 4\].*\[2, 4, 3, 3\]/);
    expect(() => conv2d(x, zeros([2, 3, 5, 3]))).toThrow(/\[5, 3\].*\[1, 3, 4, 4\]/);
    expect(() => conv2d(x, zeros([2, 3, 3]))).toThrow(/\[2, 3, 3\]/);
    expect(() => conv2d(zeros([3, 4, 4]), zeros([2, 3, 3, 3]))).toThrow(/\[3, 4, 4\]/);
    expect(() => conv2d(x, zeros([2, 3, 3, 3]), zeros([3]))).toThrow(/\[3\].*2 channels/);
    expect(() => conv2d(x, zeros([4, 1, 3, 3]), null, { groups: 3 })).toThrow(/3 groups.*\[4, 1, 3, 3\]/);
    expect(() => conv2d(x, zeros([6, 2, 3, 3]), null, { groups: 3 })).toThrow(/\[1, 3, 4, 4\].*6/);
    expect(() => conv2d(x, zeros([2, 3, 3, 3]), null, { padding: [1, 2, 3] })).toThrow(/padding is \[1,2,3\]/);
    expect(() => conv2d(x, zeros([2, 3, 3, 3]), null, { padding: 'full' as 'same' })).toThrow(/'full'/);
    expect(() => conv2d(x, zeros([2, 3, 3, 3]), null, { strides: 2 } as object)).toThrow(/Did you mean 'stride'/);
    expect(() => conv2d(x, zeros([2, 3, 3, 3], { dtype: 'float64' }))).toThrow(/float32 and float64/);
  });

  it('keeps dynamic extents', () => {
    const type = (shape: number[]) => ({ shape, dtype: 'float32' as const });
    const attributes = {
      strides: [2, 2],
      dilations: [1, 1],
      padsBegin: [1, 1],
      padsEnd: [1, 1],
      autoPad: 'explicit' as const,
    };
    const data = type([DYNAMIC, 4, DYNAMIC, 7]);
    expect(CONVOLUTION.infer([data, type([8, 4, 3, 3])], attributes)).toEqual([type([DYNAMIC, 8, DYNAMIC, 4])]);
    expect(GROUP_CONVOLUTION.infer([data, type([2, 3, 2, 3, 3])], attributes)).toEqual([
      type([DYNAMIC, 6, DYNAMIC, 4]),
    ]);
    const backprop = { ...attributes, outputPadding: [1, 1] };
    expect(CONVOLUTION_BACKPROP.infer([data, type([4, 5, 3, 3])], backprop)).toEqual([type([DYNAMIC, 5, DYNAMIC, 14])]);
    expect(GROUP_CONVOLUTION_BACKPROP.infer([data, type([2, 2, 3, 3, 3])], backprop)).toEqual([
      type([DYNAMIC, 6, DYNAMIC, 14]),
    ]);
  });
});

describe('convTranspose2d', () => {
  it.each([
    ['plain', [1, 2, 3, 4], [2, 3, 3, 2], {}],
    ['stride and padding', [2, 2, 3, 3], [2, 1, 3, 3], { stride: 2, padding: 1 }],
    ['output padding', [1, 1, 3, 3], [1, 2, 2, 3], { stride: [2, 3], outputPadding: [1, 2] }],
    ['groups and dilation', [1, 4, 3, 3], [4, 3, 2, 2], { groups: 2, dilation: [2, 1] }],
  ] as const)('is the transpose of conv2d: %s', (_name, shape, weightShape, options) => {
    // <convTranspose(x), z> = <x, conv(z)> for every z.
    const [x, weight] = [random(shape, 1), random(weightShape, 2)];
    const y = convTranspose2d(x, weight, null, options);
    const z = random(y.shape, 3);
    const { outputPadding: _cut, ...forward } = options as Record<string, unknown>;
    const back = conv2d(z, weight, null, forward);
    expect(back.shape).toEqual(x.shape);
    const dot = (a: Tensor, b: Tensor) => {
      const [left, right] = [a.dataSync(), b.dataSync()];
      return Array.from(left).reduce((total, value, index) => total + value * right[index], 0);
    };
    expect(dot(y, z)).toBeCloseTo(dot(x, back), 9);
  });

  it('names what does not fit', () => {
    const x = zeros([1, 3, 4, 4]);
    expect(() => convTranspose2d(x, zeros([2, 4, 3, 3]))).toThrow(/\[1, 3, 4, 4\].*\[2, 4, 3, 3\]/);
    expect(() => convTranspose2d(x, zeros([3, 2, 3, 3]), zeros([3]))).toThrow(/\[3\].*2 channels/);
    expect(() => convTranspose2d(x, zeros([3, 2, 3, 3]), null, { stride: 2, outputPadding: 2 })).toThrow(
      /outputPadding \[2,2\]/,
    );
    expect(() => convTranspose2d(x, zeros([3, 2, 1, 1]), null, { padding: 2 })).toThrow(
      /\[1, 3, 4, 4\].*\[3, 2, 1, 1\]/,
    );
  });
});
