import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operand } from '../conformance/kernelCase.js';
import * as naive from '../naive.js';
import { dot, expectClose, FLOATING, randomOperand, run, runAll } from './run.js';

const { NaN: nan, NEGATIVE_INFINITY: lowest } = Number;

/** Per axis: a window with at least one output; in ceiling mode the last one may stick out. */
const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    padBegin: fc.integer({ min: 0, max: 3 }),
    padEnd: fc.integer({ min: 0, max: 3 }),
    extent: fc.integer({ min: 1, max: 7 }),
    ceiling: fc.boolean(),
  })
  .map(({ kernel, stride, dilation, padBegin, padEnd, extent, ceiling }) => {
    const outputs = (window: number, input: number) => {
      const steps = (input + padBegin + padEnd - window) / stride;
      return (ceiling ? Math.ceil(steps) : Math.floor(steps)) + 1;
    };
    const window = (kernel - 1) * dilation + 1;
    const input = Math.max(extent, window - padBegin - padEnd);
    return {
      kernel,
      stride,
      dilation,
      padBegin,
      padEnd,
      input,
      output: outputs(window, input),
      undilated: outputs(kernel, input),
    };
  });

const pools = fc
  .record({
    y: axis,
    x: axis,
    batch: fc.integer({ min: 0, max: 2 }),
    channels: fc.integer({ min: 1, max: 3 }),
    excludePad: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ y, x, batch, channels, excludePad, seed }) => ({
    input: [batch, channels, y.input, x.input],
    output: [batch, channels, y.output, x.output],
    undilated: [batch, channels, y.undilated, x.undilated],
    attributes: {
      kernel: [y.kernel, x.kernel],
      strides: [y.stride, x.stride],
      padsBegin: [y.padBegin, x.padBegin],
      padsEnd: [y.padEnd, x.padEnd],
      dilations: [y.dilation, x.dilation],
      excludePad,
    },
    seed,
  }));

const maxPool = (x: ReturnType<typeof operand>, kernel: number[], strides: number[], pads: number[], shape: number[]) =>
  runAll('maxPool2d', [x], { kernel, strides, padsBegin: pads, padsEnd: pads, dilations: [1, 1] }, [
    shape,
    { shape, dtype: 'int32' },
  ]).map((values) => [...values]);

describe('maxPool2d', () => {
  it('takes maxima and where they are by hand', () => {
    const x = operand([1, 1, 2, 4], [1, 5, 2, 2, 3, 4, 2, 2]);
    expect(maxPool(x, [2, 2], [2, 2], [0, 0], [1, 1, 1, 2])).toEqual([
      [5, 2],
      [1, 2],
    ]);
  });

  it('lets padding win over nothing', () => {
    const x = operand([1, 1, 1, 1], [-7]);
    expect(maxPool(x, [1, 3], [1, 1], [0, 1], [1, 1, 1, 1])).toEqual([[-7], [0]]);
    expect(maxPool(operand([1, 1, 1, 1], [lowest]), [1, 3], [1, 1], [0, 1], [1, 1, 1, 1])).toEqual([[lowest], [0]]);
    expect(maxPool(x, [1, 1], [1, 1], [0, 1], [1, 1, 1, 3])).toEqual([
      [lowest, -7, lowest],
      [-1, 0, -1],
    ]);
  });

  it('passes on the first NaN', () => {
    const x = operand([1, 1, 1, 5], [1, nan, 9, nan, 2]);
    expect(maxPool(x, [1, 3], [1, 2], [0, 0], [1, 1, 1, 2])).toEqual([
      [nan, nan],
      [1, 3],
    ]);
  });

  it('adds gradients of a pixel that won twice', () => {
    const g = operand([1, 1, 1, 3], [1, 2, 4]);
    const indices = operand([1, 1, 1, 3], [2, 2, -1], 'int32');
    expect([...run('maxPool2dGradient', [g, indices], {}, [1, 1, 1, 4])]).toEqual([0, 0, 3, 0]);
  });

  it.each(FLOATING)('and its gradient follow the definition for random windows in %s', (dtype) => {
    fc.assert(
      fc.property(pools, fc.boolean(), ({ input, output, attributes, seed }, tied) => {
        const drawn = randomOperand(input, seed, dtype);
        const x = tied
          ? operand(
              input,
              Array.from(drawn.values, (value) => Math.round(2 * value)),
              dtype,
            )
          : drawn;
        const [values, indices] = runAll('maxPool2d', [x], attributes, [output, { shape: output, dtype: 'int32' }]);
        const expected = naive.maxPool2d(x, attributes, output);
        expect([...values]).toEqual([...expected.values]);
        expect([...indices]).toEqual([...expected.indices]);
        const g = randomOperand(output, seed + 1, dtype);
        const positions = operand(output, indices, 'int32');
        expectClose(
          run('maxPool2dGradient', [g, positions], {}, input),
          naive.maxPool2dGradient(g, positions, input),
          dtype,
        );
      }),
    );
  });
});

describe('avgPool2d', () => {
  const attributes = { kernel: [1, 2], strides: [1, 2], padsBegin: [0, 1], padsEnd: [0, 0] };

  it('divides by the pixels of the image or of the padded image', () => {
    const x = operand([1, 1, 1, 4], [4, 6, 8, 10]);
    // Windows [pad, 4], [6, 8], [10, beyond the padded image].
    const shape = [1, 1, 1, 3];
    expect([...run('avgPool2d', [x], { ...attributes, excludePad: true }, shape)]).toEqual([4, 7, 10]);
    expect([...run('avgPool2d', [x], { ...attributes, excludePad: false }, shape)]).toEqual([2, 7, 10]);
    const padded = { ...attributes, padsEnd: [0, 1], excludePad: false };
    expect([...run('avgPool2d', [x], padded, shape)]).toEqual([2, 7, 5]);
  });

  it('gives zero for a window without pixels', () => {
    const x = operand([1, 1, 1, 1], [4]);
    const lone = { kernel: [1, 1], strides: [1, 1], padsBegin: [0, 1], padsEnd: [0, 0] };
    expect([...run('avgPool2d', [x], { ...lone, excludePad: true }, [1, 1, 1, 2])]).toEqual([0, 4]);
    expect([...run('avgPool2d', [x], { ...lone, excludePad: false }, [1, 1, 1, 2])]).toEqual([0, 4]);
  });

  it.each(FLOATING)('and its gradient follow the definition for random windows in %s', (dtype) => {
    fc.assert(
      fc.property(pools, ({ input, undilated, attributes, seed }) => {
        const x = randomOperand(input, seed, dtype);
        const g = randomOperand(undilated, seed + 1, dtype);
        const y = run('avgPool2d', [x], attributes, undilated);
        const dx = run('avgPool2dGradient', [g], attributes, input);
        expectClose(y, naive.avgPool2d(x, attributes, undilated), dtype);
        expectClose(dx, naive.avgPool2dGradient(g, attributes, input), dtype);
        expect(dot(x.values, dx)).toBeCloseTo(dot(y, g.values), dtype === 'float32' ? 3 : 9);
      }),
    );
  });
});

describe('adaptiveAvgPool2d', () => {
  it('averages overlapping windows by hand', () => {
    const x = operand([1, 1, 1, 5], [1, 2, 3, 4, 5]);
    // 5 -> 3: [0, 2), [1, 4), [3, 5).
    expect([...run('adaptiveAvgPool2d', [x], {}, [1, 1, 1, 3])]).toEqual([1.5, 3, 4.5]);
    expect([...run('adaptiveAvgPool2d', [x], {}, [1, 1, 1, 1])]).toEqual([3]);
  });

  it.each(FLOATING)('and its gradient follow the definition for random sizes in %s', (dtype) => {
    const extent = fc.integer({ min: 1, max: 9 });
    const batch = fc.integer({ min: 0, max: 2 });
    fc.assert(
      fc.property(batch, fc.tuple(extent, extent), fc.tuple(extent, extent), fc.nat(), (n, from, to, seed) => {
        const input = [n, 2, ...from];
        const output = [n, 2, ...to];
        const x = randomOperand(input, seed, dtype);
        const g = randomOperand(output, seed + 1, dtype);
        const y = run('adaptiveAvgPool2d', [x], {}, output);
        const dx = run('adaptiveAvgPool2dGradient', [g], {}, input);
        expectClose(y, naive.adaptiveAvgPool2d(x, output), dtype);
        expectClose(dx, naive.adaptiveAvgPool2dGradient(g, input), dtype);
        expect(dot(x.values, dx)).toBeCloseTo(dot(y, g.values), dtype === 'float32' ? 3 : 9);
      }),
    );
  });
});
