/** Values of elementwise operations against closed forms, with dtypes, broadcasting and special values. */
import { describe, expect, it } from 'vitest';
import { DTypeError, ShapeError, ValidationError } from '../../../src/errors.js';
import '../../../src/ops/methods.js';
import { abs } from '../../../src/ops/elementwise/abs.js';
import { add } from '../../../src/ops/elementwise/add.js';
import type { Operand } from '../../../src/ops/elementwise/binary.js';
import { ceiling } from '../../../src/ops/elementwise/ceiling.js';
import { CLAMP, clamp, relu6 } from '../../../src/ops/elementwise/clamp.js';
import { cast } from '../../../src/ops/elementwise/convert.js';
import { divide } from '../../../src/ops/elementwise/divide.js';
import { elu } from '../../../src/ops/elementwise/elu.js';
import { equal } from '../../../src/ops/elementwise/equal.js';
import { erf } from '../../../src/ops/elementwise/erf.js';
import { exp } from '../../../src/ops/elementwise/exp.js';
import { floor } from '../../../src/ops/elementwise/floor.js';
import { type GeluApproximation, gelu } from '../../../src/ops/elementwise/gelu.js';
import { greater } from '../../../src/ops/elementwise/greater.js';
import { greaterEqual } from '../../../src/ops/elementwise/greaterEqual.js';
import { hsigmoid } from '../../../src/ops/elementwise/hsigmoid.js';
import { hswish } from '../../../src/ops/elementwise/hswish.js';
import { less } from '../../../src/ops/elementwise/less.js';
import { lessEqual } from '../../../src/ops/elementwise/lessEqual.js';
import { log } from '../../../src/ops/elementwise/log.js';
import { logicalAnd } from '../../../src/ops/elementwise/logicalAnd.js';
import { logicalNot } from '../../../src/ops/elementwise/logicalNot.js';
import { logicalOr } from '../../../src/ops/elementwise/logicalOr.js';
import { maximum } from '../../../src/ops/elementwise/maximum.js';
import { minimum } from '../../../src/ops/elementwise/minimum.js';
import { mish } from '../../../src/ops/elementwise/mish.js';
import { multiply } from '../../../src/ops/elementwise/multiply.js';
import { negative } from '../../../src/ops/elementwise/negative.js';
import { notEqual } from '../../../src/ops/elementwise/notEqual.js';
import { power, reciprocal, rsqrt, square } from '../../../src/ops/elementwise/power.js';
import { leakyRelu, prelu } from '../../../src/ops/elementwise/prelu.js';
import { relu } from '../../../src/ops/elementwise/relu.js';
import { round } from '../../../src/ops/elementwise/round.js';
import { where } from '../../../src/ops/elementwise/select.js';
import { sigmoid } from '../../../src/ops/elementwise/sigmoid.js';
import { sign } from '../../../src/ops/elementwise/sign.js';
import { softplus } from '../../../src/ops/elementwise/softplus.js';
import { sqrt } from '../../../src/ops/elementwise/sqrt.js';
import { subtract } from '../../../src/ops/elementwise/subtract.js';
import { silu, swish } from '../../../src/ops/elementwise/swish.js';
import { tanh } from '../../../src/ops/elementwise/tanh.js';
import { tensor } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const ramp = (x: number): number => Math.min(Math.max(x + 3, 0), 6) / 6;
const double = (values: number[]): Tensor => tensor(values, { dtype: 'float64' });

const POINTS = [-7.5, -3, -2.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5, 3, 6.25];

/** Name, operation, closed form, and where it is defined. */
const UNARY: readonly [string, (x: Tensor) => Tensor, (x: number) => number, ((x: number) => boolean)?][] = [
  ['relu', relu, (x) => Math.max(x, 0)],
  ['relu6', relu6, (x) => Math.min(Math.max(x, 0), 6)],
  ['abs', abs, Math.abs],
  ['sign', sign, Math.sign],
  ['negative', negative, (x) => 0 - x],
  ['exp', exp, Math.exp],
  ['log', log, Math.log, (x) => x > 0],
  ['sqrt', sqrt, Math.sqrt, (x) => x >= 0],
  ['rsqrt', rsqrt, (x) => 1 / Math.sqrt(x), (x) => x > 0],
  ['reciprocal', reciprocal, (x) => 1 / x, (x) => x !== 0],
  ['square', square, (x) => x * x],
  ['floor', floor, Math.floor],
  ['ceiling', ceiling, (x) => Math.ceil(x) + 0],
  ['sigmoid', sigmoid, logistic],
  ['tanh', tanh, Math.tanh],
  ['swish', swish, (x) => x * logistic(x)],
  ['silu', silu, (x) => x * logistic(x)],
  ['hswish', hswish, (x) => x * ramp(x)],
  ['hsigmoid', hsigmoid, ramp],
  ['softplus', softplus, (x) => Math.log1p(Math.exp(x))],
  ['mish', mish, (x) => x * Math.tanh(Math.log1p(Math.exp(x)))],
  ['elu', (x) => elu(x, 0.5), (x) => (x > 0 ? x : 0.5 * Math.expm1(x))],
  ['clamp', (x) => clamp(x, -1, 2), (x) => Math.min(Math.max(x, -1), 2)],
  ['leakyRelu', (x) => leakyRelu(x), (x) => (x > 0 ? x : 0.01 * x)],
  [
    'gelu by tanh',
    (x) => gelu(x, 'tanh'),
    (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
];

describe('functions of one tensor', () => {
  it.each(UNARY)('%s', (_name, operation, closedForm, defined = () => true) => {
    const points = POINTS.filter(defined);
    const results = operation(double(points)).dataSync();
    const single = operation(tensor(points));
    expect(single.dtype).toBe('float32');
    for (const [index, point] of points.entries()) {
      expect(results[index]).toBeCloseTo(closedForm(point), 12);
      expect(single.dataSync()[index]).toBeCloseTo(closedForm(point), 4);
    }
  });

  it('erf and the exact gelu agree with tabulated values', () => {
    // Abramowitz and Stegun, table 7.1.
    const table = [
      [0, 0],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [-1, -0.8427007929497149],
    ];
    const values = erf(double(table.map(([x]) => x))).dataSync();
    const scaled = gelu(double(table.map(([x]) => x * Math.SQRT2))).dataSync();
    for (const [index, [x, expected]] of table.entries()) {
      expect(values[index]).toBeCloseTo(expected, 14);
      expect(scaled[index]).toBeCloseTo(0.5 * x * Math.SQRT2 * (1 + expected), 14);
    }
  });

  it('round takes halves to the even number', () => {
    expect([...round(tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4])).dataSync()].map((x) => x + 0)).toEqual([
      -2, -2, 0, 0, 2, 2, 2,
    ]);
  });

  it('keeps NaN', () => {
    for (const operation of [relu, relu6, abs, (x: Tensor) => elu(x), (x: Tensor) => leakyRelu(x)]) {
      expect(operation(tensor([Number.NaN])).itemSync()).toBeNaN();
    }
  });

  it('takes integers where they make sense, and refuses them elsewhere', () => {
    const x = tensor([-3, 2], { dtype: 'int32' });
    expect([...abs(x).dataSync(), ...negative(x).dataSync(), ...sign(x).dataSync()]).toEqual([3, 2, 3, -2, -1, 1]);
    expect(() => exp(x)).toThrow(DTypeError);
    expect(() => clamp(x, 0, 1)).toThrow(/cast\('float32'\)/);
    expect(() => abs(cast(x, 'bool'))).toThrow(/Abs needs numbers, but got bool/);
  });

  it('refuses limits and modes that make no sense', () => {
    expect(() => clamp(tensor([1]), 2, 1)).toThrow(ValidationError);
    expect(() => clamp(tensor([1]), Number.NaN, 1)).toThrow(ValidationError);
    expect(() => gelu(tensor([1]), 'sigmoid' as GeluApproximation)).toThrow(ValidationError);
  });

  it('clamp writes finite limits', () => {
    expect(CLAMP.openvino?.data?.({ min: Number.NEGATIVE_INFINITY, max: 3 }, [])).toEqual({
      min: -3.4028234663852886e38,
      max: 3,
    });
  });
});

const BINARY: readonly [string, (a: Operand, b: Operand) => Tensor, (a: number, b: number) => number][] = [
  ['add', add, (a, b) => a + b],
  ['subtract', subtract, (a, b) => a - b],
  ['multiply', multiply, (a, b) => a * b],
  ['divide', divide, (a, b) => a / b],
  ['power', (a, b) => power(abs(a as Tensor), b), (a, b) => Math.abs(a) ** b],
  ['maximum', maximum, Math.max],
  ['minimum', minimum, Math.min],
  ['equal', equal, (a, b) => Number(a === b)],
  ['notEqual', notEqual, (a, b) => Number(a !== b)],
  ['less', less, (a, b) => Number(a < b)],
  ['lessEqual', lessEqual, (a, b) => Number(a <= b)],
  ['greater', greater, (a, b) => Number(a > b)],
  ['greaterEqual', greaterEqual, (a, b) => Number(a >= b)],
];

describe('functions of two tensors', () => {
  it.each(BINARY)('%s broadcasts', (name, operation, closedForm) => {
    const [rows, columns] = [
      [-2, 0.5, 3],
      [0.5, 2],
    ];
    const result = operation(
      tensor(
        rows.map((x) => [x]),
        { dtype: 'float64' },
      ),
      double(columns),
    );
    expect(result.shape).toEqual([3, 2]);
    expect(result.dtype).toBe(/equal|less|greater/i.test(name) ? 'bool' : 'float64');
    const expected = rows.flatMap((a) => columns.map((b) => closedForm(a, b)));
    for (const [index, value] of expected.entries()) expect(result.dataSync()[index]).toBeCloseTo(value, 12);
  });

  it('promotes dtypes and lets numbers take the dtype of the tensor', () => {
    const whole = tensor([1, 2], { dtype: 'int32' });
    expect(add(whole, 1).dtype).toBe('int32');
    expect(add(whole, 0.5).dtype).toBe('float32');
    expect(add(whole, tensor([1.5, 2])).dtype).toBe('float32');
    expect(add(double([1, 2]), 1).dtype).toBe('float64');
    expect(() => add(1, 2)).toThrow(ValidationError);
  });

  it('divides integers as real numbers', () => {
    const result = divide(tensor([1, 3], { dtype: 'int32' }), 2);
    expect(result.dtype).toBe('float32');
    expect([...result.dataSync()]).toEqual([0.5, 1.5]);
  });

  it('compares with NaN as IEEE 754', () => {
    const x = tensor([Number.NaN]);
    expect([equal, less, greaterEqual].map((compare) => compare(x, x).itemSync())).toEqual([0, 0, 0]);
    expect(notEqual(x, x).itemSync()).toBe(1);
  });

  it('refuses shapes that do not broadcast, and arithmetic with truth values', () => {
    expect(() => add(tensor([1, 2]), tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => add(tensor(true), tensor(true))).toThrow(/Add needs numbers/);
    expect(equal(tensor(true), tensor(false)).itemSync()).toBe(0);
  });

  it('power has no derivative surprises at zero', () => {
    const base = tensor([0, 0, 2], { dtype: 'float64', requiresGrad: true });
    const exponent = tensor([0, 2, 3], { dtype: 'float64', requiresGrad: true });
    power(base, exponent).backward({ gradient: double([1, 1, 1]) });
    expect([...(base.grad?.dataSync() ?? [])]).toEqual([0, 0, 12]);
    expect([...(exponent.grad?.dataSync() ?? [])].slice(0, 2)).toEqual([0, 0]);
    expect(exponent.grad?.dataSync()[2]).toBeCloseTo(8 * Math.LN2, 12);
  });

  it.each([
    ['maximum', maximum],
    ['minimum', minimum],
  ])('%s shares the gradient at ties', (_name, operation) => {
    const a = tensor([1, 2], { requiresGrad: true });
    const b = tensor([1, 5], { requiresGrad: true });
    operation(a, b).backward({ gradient: tensor([1, 1]) });
    expect(a.grad?.dataSync()[0]).toBe(0.5);
    expect(b.grad?.dataSync()[0]).toBe(0.5);
    expect((a.grad?.dataSync()[1] ?? 0) + (b.grad?.dataSync()[1] ?? 0)).toBe(1);
  });
});

describe('truth values', () => {
  const p = tensor([0, 0, 1, 1], { dtype: 'bool' });
  const q = tensor([0, 1, 0, 1], { dtype: 'bool' });

  it('and, or, not', () => {
    expect([...logicalAnd(p, q).dataSync()]).toEqual([0, 0, 0, 1]);
    expect([...logicalOr(p, q).dataSync()]).toEqual([0, 1, 1, 1]);
    expect([...logicalNot(p).dataSync()]).toEqual([1, 1, 0, 0]);
    expect([...logicalAnd(tensor([2, 0, -1, 3]), q).dataSync()]).toEqual([0, 0, 0, 1]);
  });

  it('where chooses, broadcasts and needs a bool condition', () => {
    expect(where(tensor([[1], [0]], { dtype: 'bool' }), tensor([1, 2]), 9).shape).toEqual([2, 2]);
    expect([...where(q, 1, tensor([5, 6, 7, 8])).dataSync()]).toEqual([5, 1, 7, 1]);
    expect(where(q, 1, 0).dtype).toBe('float32');
    expect(() => where(tensor([1, 0]), 1, 2)).toThrow(/condition must be bool/);
  });
});

describe('prelu', () => {
  it('lays a vector of channels along axis 1', () => {
    const x = tensor([[[-1, -1]], [[-2, 4]]]).reshape([1, 2, 2]);
    expect([...prelu(x, tensor([0.5, 0.25])).dataSync()]).toEqual([-0.5, -0.5, -0.5, 4]);
  });

  it('refuses a slope that does not fit', () => {
    expect(() => prelu(tensor([[1, 2, 3]]), tensor([1, 2]))).toThrow(ShapeError);
    expect(() => prelu(tensor([1]), tensor([[1], [2]]))).toThrow(/does not fit data/);
  });
});
