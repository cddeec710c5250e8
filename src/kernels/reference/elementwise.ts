/**
 * Elementwise reference kernels: functions of one, two and three operands, clamping and type
 * conversion.
 *
 * Each of the functions that training spends its time in has a loop of its own: V8 compiles a loop
 * once for all the closures passed through it, so a shared loop would call them indirectly.
 */
import type { BinaryFunction, UnaryFunction } from '../contract.js';
import { isFloating, type TypedArray } from '../dtype.js';
import type { HostOperand, ReferenceKernel } from './kernel.js';
import { erf, gelu, geluTanh, hsigmoid, hswish, mish, roundHalfEven, sigmoid, softplus, swish } from './scalar.js';
import { forEachRow, planBroadcast } from './strides.js';

type UnaryLoop = (x: TypedArray, y: TypedArray) => void;

const mapWith =
  (evaluate: (value: number) => number): UnaryLoop =>
  (x, y) => {
    for (let index = 0; index < y.length; index++) {
      y[index] = evaluate(x[index]);
    }
  };

const UNARY: Readonly<Record<UnaryFunction, UnaryLoop>> = {
  // Math.max keeps NaN.
  relu: (x, y) => {
    for (let index = 0; index < y.length; index++) {
      y[index] = Math.max(x[index], 0);
    }
  },
  negative: (x, y) => {
    for (let index = 0; index < y.length; index++) {
      y[index] = -x[index];
    }
  },
  abs: (x, y) => {
    for (let index = 0; index < y.length; index++) {
      y[index] = Math.abs(x[index]);
    }
  },
  sqrt: (x, y) => {
    for (let index = 0; index < y.length; index++) {
      y[index] = Math.sqrt(x[index]);
    }
  },
  reciprocal: (x, y) => {
    for (let index = 0; index < y.length; index++) {
      y[index] = 1 / x[index];
    }
  },
  sigmoid: mapWith(sigmoid),
  tanh: mapWith(Math.tanh),
  exp: mapWith(Math.exp),
  log: mapWith(Math.log),
  sign: mapWith(Math.sign),
  floor: mapWith(Math.floor),
  ceiling: mapWith(Math.ceil),
  round: mapWith(roundHalfEven),
  erf: mapWith(erf),
  gelu: mapWith(gelu),
  geluTanh: mapWith(geluTanh),
  swish: mapWith(swish),
  hswish: mapWith(hswish),
  hsigmoid: mapWith(hsigmoid),
  softplus: mapWith(softplus),
  mish: mapWith(mish),
  logicalNot: mapWith((value) => (value === 0 ? 1 : 0)),
};

export const unary: ReferenceKernel<'unary'> = ([x], { function: name }, [y]) => UNARY[name](x.values, y.values);

/** One row: y[yAt + i] = f(a[aAt + i aStep], b[bAt + i bStep]) for i below `length`. */
type BinaryLoop = (
  a: TypedArray,
  aAt: number,
  aStep: number,
  b: TypedArray,
  bAt: number,
  bStep: number,
  y: TypedArray,
  yAt: number,
  length: number,
) => void;

const combineWith =
  (evaluate: (a: number, b: number) => number): BinaryLoop =>
  (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = evaluate(a[aAt + index * aStep], b[bAt + index * bStep]);
    }
  };

const BINARY: Readonly<Record<BinaryFunction, BinaryLoop>> = {
  add: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = a[aAt + index * aStep] + b[bAt + index * bStep];
    }
  },
  subtract: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = a[aAt + index * aStep] - b[bAt + index * bStep];
    }
  },
  multiply: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = a[aAt + index * aStep] * b[bAt + index * bStep];
    }
  },
  divide: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = a[aAt + index * aStep] / b[bAt + index * bStep];
    }
  },
  greater: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = a[aAt + index * aStep] > b[bAt + index * bStep] ? 1 : 0;
    }
  },
  // Math.max and Math.min give NaN if one operand is NaN, as PyTorch does.
  maximum: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = Math.max(a[aAt + index * aStep], b[bAt + index * bStep]);
    }
  },
  minimum: (a, aAt, aStep, b, bAt, bStep, y, yAt, length) => {
    for (let index = 0; index < length; index++) {
      y[yAt + index] = Math.min(a[aAt + index * aStep], b[bAt + index * bStep]);
    }
  },
  power: combineWith(Math.pow),
  equal: combineWith((a, b) => (a === b ? 1 : 0)),
  notEqual: combineWith((a, b) => (a !== b ? 1 : 0)),
  less: combineWith((a, b) => (a < b ? 1 : 0)),
  lessEqual: combineWith((a, b) => (a <= b ? 1 : 0)),
  greaterEqual: combineWith((a, b) => (a >= b ? 1 : 0)),
  logicalAnd: combineWith((a, b) => (a !== 0 && b !== 0 ? 1 : 0)),
  logicalOr: combineWith((a, b) => (a !== 0 || b !== 0 ? 1 : 0)),
};

/**
 * Functions whose integer form is not the floating one stored as an integer: the product of two
 * int32 does not fit a double, and division rounds down, as OpenVINO's Divide does. x / 0 is 0.
 */
const INTEGER_BINARY: Partial<Readonly<Record<BinaryFunction, BinaryLoop>>> = {
  multiply: combineWith(Math.imul),
  divide: combineWith((a, b) => (b === 0 ? 0 : Math.floor(a / b))),
};

export const binary: ReferenceKernel<'binary'> = ([a, b], { function: name }, [y]) => {
  const loop = (isFloating(y.dtype) ? undefined : INTEGER_BINARY[name]) ?? BINARY[name];
  const plan = planBroadcast(y.shape, [a.shape, b.shape]);
  const [, aStep, bStep] = plan.strides;
  forEachRow(plan, ([yAt, aAt, bAt]) => {
    loop(a.values, aAt, aStep, b.values, bAt, bStep, y.values, yAt, plan.length);
  });
};

export const select: ReferenceKernel<'select'> = ([condition, a, b], _attributes, [y]) => {
  const plan = planBroadcast(y.shape, [condition.shape, a.shape, b.shape]);
  const [, conditionStep, aStep, bStep] = plan.strides;
  forEachRow(plan, ([yAt, conditionAt, aAt, bAt]) => {
    const [ys, conditions, as, bs] = [y.values, condition.values, a.values, b.values];
    for (let index = 0; index < plan.length; index++) {
      ys[yAt + index] =
        conditions[conditionAt + index * conditionStep] !== 0 ? as[aAt + index * aStep] : bs[bAt + index * bStep];
    }
  });
};

export const clamp: ReferenceKernel<'clamp'> = ([x], { min, max }, [y]) => {
  const [xs, ys] = [x.values, y.values];
  for (let index = 0; index < ys.length; index++) {
    ys[index] = Math.max(Math.min(xs[index], max), min);
  }
};

export const elu: ReferenceKernel<'elu'> = ([x], { alpha }, [y]) => {
  const [xs, ys] = [x.values, y.values];
  for (let index = 0; index < ys.length; index++) {
    const value = xs[index];
    ys[index] = value > 0 ? value : alpha * Math.expm1(value);
  }
};

/** Lowest and highest values of the types that conversion from a float saturates to. */
const INTEGER_LIMITS = {
  int32: [-2147483648, 2147483647],
  int8: [-128, 127],
  uint8: [0, 255],
} as const;

export const convert: ReferenceKernel<'convert'> = ([x], _attributes, [y]) => {
  if (y.dtype === 'bool') {
    for (let index = 0; index < y.values.length; index++) {
      y.values[index] = x.values[index] !== 0 ? 1 : 0;
    }
  } else if (isFloating(x.dtype) && !isFloating(y.dtype)) {
    saturate(x, y, INTEGER_LIMITS[y.dtype as keyof typeof INTEGER_LIMITS]);
  } else {
    // Floats are rounded to nearest even and integers reduced modulo their width by the typed array itself.
    y.values.set(x.values);
  }
};

/** Truncates toward zero into [lowest, highest]; NaN becomes 0, because storing it in an integer array does that. */
function saturate(x: HostOperand, y: HostOperand, [lowest, highest]: readonly [number, number]): void {
  for (let index = 0; index < y.values.length; index++) {
    y.values[index] = Math.min(Math.max(x.values[index], lowest), highest);
  }
}
