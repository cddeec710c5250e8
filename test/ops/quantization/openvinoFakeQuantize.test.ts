/** OpenVINO's FakeQuantize: its formula, its shapes and its gradient. */
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import { FAKE_QUANTIZE, fakeQuantize } from '../../../src/ops/quantization/openvinoFakeQuantize.js';
import { full, zeros } from '../../../src/tensor/create.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';
import { float32, plain } from './arbitraries.js';

const limits = (...values: [number, number, number, number]) =>
  values.map((value) => full([], value)) as [
    ReturnType<typeof full>,
    ReturnType<typeof full>,
    ReturnType<typeof full>,
    ReturnType<typeof full>,
  ];

describe('fakeQuantize', () => {
  it('rounds the index of the level, half to even, and maps it to the output range', () => {
    // Levels of [-1, 3] are one apart; output 10 to 30.
    const x = float32([-2, -1, -0.6, -0.5, 0.5, 1.4, 3, 4]);
    expect(plain(fakeQuantize(x, ...limits(-1, 3, 10, 30), 5))).toEqual([10, 10, 10, 10, 20, 20, 30, 30]);
  });

  it('is a step for two levels between equal limits', () => {
    expect(plain(fakeQuantize(float32([-1, 0, 0.1]), ...limits(0, 0, -1, 1), 2))).toEqual([-1, -1, 1]);
  });

  it('takes limits per channel, and different output limits', () => {
    const x = float32([0.2, 0.9, 0.2, 0.9], [1, 2, 2]);
    const high = float32([1, 2], [1, 2, 1]);
    const y = fakeQuantize(x, zeros([1, 2, 1]), high, zeros([1]), full([1], 4), 3);
    expect(plain(y)).toEqual([0, 4, 0, 2]);
  });

  it('passes the gradient inside the limits, times the slope, and gives the limits none', () => {
    const x = float32([-2, -1, 0, 3, 4]);
    const low = full([], -1);
    for (const leaf of [x, low]) leaf.requiresGrad = true;
    const y = fakeQuantize(x, low, full([], 3), full([], 10), full([], 30), 5);
    backward(y, { gradient: float32([1, 1, 2, 1, 1]) });
    expect(plain(x.grad ?? zeros([0]))).toEqual([0, 5, 10, 5, 0]);
    expect(low.grad).toBeNull();
  });

  it('gives a step no gradient', () => {
    const x = float32([-1, 0, 1]);
    x.requiresGrad = true;
    backward(fakeQuantize(x, ...limits(0, 0, -1, 1), 2), { gradient: float32([1, 1, 1]) });
    expect(plain(x.grad ?? zeros([0]))).toEqual([0, 0, 0]);
  });

  it('keeps a dynamic batch and refuses limits that would grow it', () => {
    const type = (shape: number[]) => ({ shape, dtype: 'float32' as const });
    const four = (shape: number[]) => [type(shape), type(shape), type(shape), type(shape)];
    expect(FAKE_QUANTIZE.infer([type([DYNAMIC, 3, 2]), ...four([1, 3, 1])], { levels: 256 })).toEqual([
      type([DYNAMIC, 3, 2]),
    ]);
    expect(() => FAKE_QUANTIZE.infer([type([3]), ...four([2, 3])], { levels: 256 })).toThrow(/\[2, 3\].*\[3\]/);
    expect(() => FAKE_QUANTIZE.infer([type([3]), ...four([1])], { levels: 1 })).toThrow(/levels is 1/);
  });
});
