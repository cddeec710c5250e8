/** Accuracy of the polynomials against the reference in double precision. */
import { describe, it } from 'vitest';
import type { BinaryFunction, UnaryFunction } from '../../../src/kernels/contract.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { booleans, createRandom, operand, type, uniform } from '../conformance/kernelCase.js';
import { exact, expectEach, expectReference, runBothOrders, within } from './compare.js';

const COUNT = 20_011;

/** Range of x, and the largest error relative to the result, as measured (rounded up). */
const ACCURACY: Partial<Record<UnaryFunction, { low: number; high: number; relative: number; absolute?: number }>> = {
  exp: { low: -87, high: 88.3, relative: 3e-7 },
  log: { low: 1e-4, high: 300, relative: 2e-7, absolute: 1e-7 },
  sigmoid: { low: -80, high: 80, relative: 3e-7 },
  tanh: { low: -10, high: 10, relative: 2e-7 },
  erf: { low: -6, high: 6, relative: 2e-7 },
  gelu: { low: -12, high: 12, relative: 1e-6 },
  geluTanh: { low: -5, high: 12, relative: 3e-6 },
  softplus: { low: -80, high: 80, relative: 3e-7 },
  mish: { low: -80, high: 80, relative: 5e-7 },
  swish: { low: -80, high: 80, relative: 4e-7 },
  hswish: { low: -5, high: 5, relative: 3e-7 },
  hsigmoid: { low: -5, high: 5, relative: 3e-7 },
  sqrt: { low: 0, high: 1e6, relative: 6e-8 },
  reciprocal: { low: 1e-3, high: 1e3, relative: 6e-8 },
};

const ramp = (low: number, high: number): number[] =>
  Array.from({ length: COUNT }, (_, index) => Math.fround(low + ((high - low) * index) / (COUNT - 1)));

describe('functions of one operand in WebAssembly', () => {
  for (const [name, { low, high, relative, absolute }] of Object.entries(ACCURACY)) {
    it(`${name} is within ${relative} of the value from ${low} to ${high}`, () => {
      const x = operand([COUNT], ramp(low, high));
      const attributes = { function: name as UnaryFunction };
      const [actual] = runBothOrders({ kernel: 'unary', inputs: [x], attributes, outputs: [type([COUNT])] });
      const [expected] = runReferenceKernel('unary', [x], attributes, [type([COUNT], 'float64')]);
      expectEach(actual, expected, within(relative, absolute ?? 1e-37), 0, name);
    });
  }

  it('takes NaN, infinities, zeros, and the largest and smallest numbers as the reference does', () => {
    const values = [
      Number.NaN,
      Infinity,
      -Infinity,
      0,
      -0,
      1e-45,
      -1e-45,
      1e-39,
      3.4e38,
      -3.4e38,
      88.7,
      89,
      -87.4,
      -104,
    ];
    const names: UnaryFunction[] = [
      ...(Object.keys(ACCURACY) as UnaryFunction[]),
      ...(['relu', 'abs', 'negative', 'sign', 'floor', 'ceiling', 'round'] as const),
    ];
    for (const name of names) {
      const inputs = [operand([values.length], values)];
      const outputs = [type([values.length])];
      // Near the largest number exp is within 3e-6. An exponential below the normal numbers is 0, also where x multiplies it.
      expectReference({ kernel: 'unary', inputs, attributes: { function: name }, outputs }, within(3e-6, 2e-36));
    }
  });

  it('rounds, takes signs and negates to the bit', () => {
    const inputs = [operand([COUNT], ramp(-5.5, 5.5))];
    for (const name of ['abs', 'negative', 'sign', 'floor', 'ceiling', 'round'] as const) {
      const outputs = [type([COUNT])];
      expectReference({ kernel: 'unary', inputs, attributes: { function: name }, outputs }, exact);
    }
  });

  it('elu is within 2e-7 of the value, also just below zero', () => {
    const inputs = [
      operand(
        [COUNT],
        ramp(-20, 3).map((each, index) => (index % 2 === 0 ? each : each * 1e-4)),
      ),
    ];
    for (const alpha of [1, 0.3]) {
      expectReference({ kernel: 'elu', inputs, attributes: { alpha }, outputs: [type([COUNT])] }, within(2e-7, 0));
    }
    const special = [operand([5], [Number.NaN, Infinity, -Infinity, 0, -0])];
    expectReference(
      { kernel: 'elu', inputs: special, attributes: { alpha: 1 }, outputs: [type([5])] },
      within(1e-7, 1e-45),
    );
  });

  it('clamps as the reference, NaN and crossed limits included', () => {
    const inputs = [operand([7], [Number.NaN, -5, -1, 0.5, 1, 5, Infinity])];
    for (const attributes of [
      { min: -1, max: 1 },
      { min: 2, max: -2 },
      { min: -Infinity, max: 1 },
    ]) {
      expectReference({ kernel: 'clamp', inputs, attributes, outputs: [type([7])] }, exact);
    }
  });
});

describe('power in WebAssembly', () => {
  const check = (a: readonly number[], b: readonly number[]): void => {
    const inputs = [operand([a.length], a), operand([b.length], b)];
    const attributes = { function: 'power' } as const;
    const [actual] = runBothOrders({ kernel: 'binary', inputs, attributes, outputs: [type([a.length])] });
    const [expected] = runReferenceKernel('binary', inputs, attributes, [type([a.length], 'float64')]);
    const rounded = Array.from(expected, (each) => (Math.abs(each) > 3.4e38 ? Math.fround(each) : each));
    expectEach(actual, rounded, within(4e-7, 2e-38), 0, 'power');
  };

  it('is within 4e-7 of the value, however large or small', () => {
    const random = createRandom(11);
    const draw = (low: number, high: number): number[] => [...uniform(random, [COUNT], low, high).values];
    check(draw(0, 100), draw(-15, 15));
    check(draw(0.99, 1.01), draw(-5000, 5000));
    check(draw(-20, 0), draw(-20, 20).map(Math.round));
  });

  it('takes every pair of special numbers as Math.pow', () => {
    const numbers = [
      0,
      -0,
      1,
      -1,
      0.5,
      -0.5,
      2,
      -2,
      3,
      -3,
      1e-40,
      -1e-40,
      3e38,
      -3e38,
      16777217,
      Infinity,
      -Infinity,
      Number.NaN,
    ];
    check(
      numbers.flatMap((each) => numbers.map(() => each)),
      numbers.flatMap(() => numbers),
    );
  });
});

describe('logic in WebAssembly', () => {
  const random = createRandom(5);

  it('joins bools and floats of every length', () => {
    for (const length of [1, 3, 4, 7, 8, 9, 31]) {
      const bools = [booleans(random, [length]), booleans(random, [length])];
      const outputs = [type([length], 'bool')];
      const names: BinaryFunction[] = ['logicalAnd', 'logicalOr', 'equal', 'notEqual', 'less', 'greaterEqual'];
      for (const name of names) {
        expectReference({ kernel: 'binary', inputs: bools, attributes: { function: name }, outputs }, exact);
        const floats = bools.map(({ shape, values }) => operand(shape, values));
        expectReference({ kernel: 'binary', inputs: floats, attributes: { function: name }, outputs }, exact);
      }
      const attributes = { function: 'logicalNot' } as const;
      expectReference({ kernel: 'unary', inputs: [bools[0]], attributes, outputs }, exact);
    }
  });

  it('selects and converts at every length', () => {
    for (const length of [1, 4, 5, 8, 13]) {
      const condition = booleans(random, [length]);
      const inputs = [condition, uniform(random, [length]), uniform(random, [length])];
      expectReference({ kernel: 'select', inputs, attributes: {}, outputs: [type([length])] }, exact);
      expectReference({ kernel: 'convert', inputs: [condition], attributes: {}, outputs: [type([length])] }, exact);
      const floats = operand(
        [length],
        Array.from({ length }, (_, index) => (index % 3) - 1),
      );
      const outputs = [type([length], 'bool')];
      expectReference({ kernel: 'convert', inputs: [floats], attributes: {}, outputs }, exact);
    }
  });
});
