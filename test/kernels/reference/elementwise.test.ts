import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, integers, operand, uniform } from '../conformance/kernelCase.js';
import { NAIVE_ELEMENTWISE } from '../naiveElementwise.js';
import { runKernel } from './runKernel.js';

/** A shape and two operands that broadcast to it: some axes of each are 1, leading ones may be missing. */
const broadcasts = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom('both', 'a', 'b')), { maxLength: 5 })
  .chain((axes) => {
    const target = axes.map(([extent]) => extent);
    const shapeOf = (name: 'a' | 'b') =>
      axes.map(([extent, owner]) => (owner === 'both' || owner === name ? extent : 1));
    const trim = (shape: readonly number[], drop: number): number[] => {
      const leadingOnes = shape.findIndex((extent) => extent !== 1);
      return shape.slice(Math.min(drop, leadingOnes < 0 ? shape.length : leadingOnes));
    };
    return fc.record({
      target: fc.constant(target),
      a: fc.nat(3).map((drop) => trim(shapeOf('a'), drop)),
      b: fc.nat(3).map((drop) => trim(shapeOf('b'), drop)),
      seed: fc.nat(),
    });
  });

describe('binary and select', () => {
  it('broadcast any two shapes as the definition does', () => {
    fc.assert(
      fc.property(broadcasts, ({ target, a, b, seed }) => {
        const random = createRandom(seed);
        const inputs = [uniform(random, a), uniform(random, b)];
        const output = { shape: target, dtype: 'float32' as const };
        for (const name of ['add', 'subtract', 'maximum'] as const) {
          const [expected] = NAIVE_ELEMENTWISE.binary(inputs, { function: name }, [output]);
          const actual = runKernel('binary', inputs, { function: name }, target);
          expect([...actual.values]).toEqual([...Float32Array.from(expected)]);
        }
        const choice = [integers(random, b, 0, 1, 'bool'), ...inputs];
        const [expected] = NAIVE_ELEMENTWISE.select(choice, {}, [output]);
        expect([...runKernel('select', choice, {}, target, 'float32').values]).toEqual([
          ...Float32Array.from(expected),
        ]);
      }),
    );
  });

  it('carry NaN through maximum and minimum, and compare false with it', () => {
    const inputs = [operand([2], [Number.NaN, 1]), operand([2], [1, Number.NaN])];
    for (const name of ['maximum', 'minimum', 'add'] as const) {
      expect([...runKernel('binary', inputs, { function: name }, [2]).values]).toEqual([Number.NaN, Number.NaN]);
    }
    for (const name of ['equal', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const) {
      expect([...runKernel('binary', inputs, { function: name }, [2], 'bool').values]).toEqual([0, 0]);
    }
    expect([...runKernel('binary', inputs, { function: 'notEqual' }, [2], 'bool').values]).toEqual([1, 1]);
  });

  it('select drops the NaN of the branch not taken', () => {
    const inputs = [operand([2], [1, 0], 'bool'), operand([2], [1, Number.NaN]), operand([2], [Number.NaN, 2])];
    expect([...runKernel('select', inputs, {}, [2], 'float32').values]).toEqual([1, 2]);
  });

  it('follow two-complement arithmetic for integers', () => {
    const big = operand([3], [65537, 2147483647, -2147483648], 'int32');
    expect([...runKernel('binary', [big, big], { function: 'multiply' }, [3]).values]).toEqual([131073, 1, 0]);
    expect([...runKernel('binary', [big, operand([], [1], 'int32')], { function: 'add' }, [3]).values]).toEqual([
      65538, -2147483648, -2147483647,
    ]);
    const bytes = [operand([2], [250, 3], 'uint8'), operand([2], [10, 5], 'uint8')];
    expect([...runKernel('binary', bytes, { function: 'add' }, [2]).values]).toEqual([4, 8]);
    expect([...runKernel('binary', bytes, { function: 'subtract' }, [2]).values]).toEqual([240, 254]);
  });

  it('divide integers downwards, and anything by zero to zero', () => {
    const inputs = [operand([5], [7, -7, 7, -7, 5], 'int32'), operand([5], [2, 2, -2, -2, 0], 'int32')];
    expect([...runKernel('binary', inputs, { function: 'divide' }, [5]).values]).toEqual([3, -4, -4, 3, 0]);
  });

  it('round each float32 result once', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), fc.float({ noNaN: true }), (a, b) => {
        const inputs = [operand([], [a]), operand([], [b])];
        const run = (name: 'add' | 'multiply' | 'divide') =>
          runKernel('binary', inputs, { function: name }, []).values[0];
        expect(run('add')).toBe(Math.fround(a + b));
        expect(run('multiply')).toBe(Math.fround(a * b));
        expect(run('divide')).toBe(Math.fround(a / b));
      }),
    );
  });
});

describe('clamp and relu', () => {
  it('keep NaN, bound infinities and turn negative zero into a plain one', () => {
    const x = operand([4], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]);
    expect([...runKernel('clamp', [x], { min: 0, max: 6 }, [4]).values]).toEqual([Number.NaN, 6, 0, 0]);
    expect([...runKernel('unary', [x], { function: 'relu' }, [4]).values]).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      0,
      0,
    ]);
  });
});

describe('convert', () => {
  const x = operand(
    [8],
    [-300.7, -0.5, 0.99, 127.9, 1e12, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );

  it('truncates and saturates floats; NaN becomes 0', () => {
    const convertTo = (dtype: 'int32' | 'int8' | 'uint8') => [...runKernel('convert', [x], {}, [8], dtype).values];
    expect(convertTo('int32')).toEqual([-300, 0, 0, 127, 2147483647, 0, 2147483647, -2147483648]);
    expect(convertTo('int8')).toEqual([-128, 0, 0, 127, 127, 0, 127, -128]);
    expect(convertTo('uint8')).toEqual([0, 0, 0, 127, 255, 0, 255, 0]);
  });

  it('is "not zero" for bool, NaN included, and wraps between integers', () => {
    const flags = runKernel('convert', [operand([4], [0, -0, 0.1, Number.NaN])], {}, [4], 'bool');
    expect([...flags.values]).toEqual([0, 0, 1, 1]);
    expect([...runKernel('convert', [operand([3], [200, -129, 5], 'int32')], {}, [3], 'int8').values]).toEqual([
      -56, 127, 5,
    ]);
  });

  it('rounds float64 to float32 to nearest even', () => {
    const exact = operand([2], [1 + 2 ** -24, 1 + 3 * 2 ** -24], 'float64');
    expect([...runKernel('convert', [exact], {}, [2], 'float32').values]).toEqual([1, 1 + 2 ** -22]);
  });
});
