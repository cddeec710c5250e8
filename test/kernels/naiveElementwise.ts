/** Elementwise functions, reductions and selection, straight from their definitions. */
import type { BinaryFunction, ReduceFunction, UnaryFunction } from '../../src/kernels/contract.js';
import { flatten, indicesOf, sizeOf } from './naive.js';
import { at, broadcastAt, type NaiveKernels, naiveRound, replaceAxis, tabulate } from './naiveTools.js';

/** erf by the series with positive terms: 2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n + 1) / (2n + 1)!!. */
function naiveErf(x: number): number {
  let term = x;
  let sum = 0;
  for (let n = 1; n < 400; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const UNARY: Record<UnaryFunction, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  abs: Math.abs,
  negative: (x) => 0 - x,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  floor: Math.floor,
  ceiling: Math.ceil,
  round: naiveRound,
  erf: naiveErf,
  gelu: (x) => (x / 2) * (1 + naiveErf(x / Math.SQRT2)),
  geluTanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  swish: (x) => x / (1 + Math.exp(-x)),
  hswish: (x) => (x <= -3 ? 0 : x >= 3 ? x : (x * (x + 3)) / 6),
  hsigmoid: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6),
  softplus: (x) => (x > 50 ? x : Math.log1p(Math.exp(x))),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  reciprocal: (x) => 1 / x,
  logicalNot: (x) => (x ? 0 : 1),
};

const BINARY: Record<BinaryFunction, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  maximum: Math.max,
  minimum: Math.min,
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  logicalAnd: (a, b) => Number(a !== 0 && b !== 0),
  logicalOr: (a, b) => Number(a !== 0 || b !== 0),
};

const LIMITS = { int32: [-(2 ** 31), 2 ** 31 - 1], int8: [-128, 127], uint8: [0, 255] } as const;

/** A whole number in a type: of those that are equal modulo its width, the one that it has. */
function wrapped(value: number, dtype: string): number {
  if (!(dtype in LIMITS)) return value;
  const [lowest, highest] = LIMITS[dtype as keyof typeof LIMITS];
  const width = highest - lowest + 1;
  return value - width * Math.floor((value - lowest) / width);
}

function naiveConvert(value: number, from: string, to: string): number {
  if (to === 'bool') {
    return Number(value !== 0);
  }
  if (to in LIMITS && from.startsWith('float')) {
    const [lowest, highest] = LIMITS[to as keyof typeof LIMITS];
    return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, lowest), highest));
  }
  return wrapped(value, to);
}

const total = (group: readonly number[]): number => group.reduce((sum, value) => sum + value, 0);

const REDUCE: Record<ReduceFunction, (group: readonly number[]) => number> = {
  sum: total,
  mean: (group) => total(group) / group.length,
  prod: (group) => group.reduce((product, value) => product * value, 1),
  max: (group) => Math.max(...group),
  min: (group) => Math.min(...group),
};

export const NAIVE_ELEMENTWISE: NaiveKernels<
  'unary' | 'binary' | 'select' | 'clamp' | 'elu' | 'convert' | 'reduce' | 'topK'
> = {
  unary: ([x], attributes) => [Array.from(x.values, UNARY[attributes.function])],

  binary: ([a, b], attributes, [y]) => {
    const integer = !y.dtype.startsWith('float');
    return [
      tabulate(y.shape, (index) => {
        const divisor = broadcastAt(b, index);
        if (integer && attributes.function === 'divide' && divisor === 0) return 0;
        const value = BINARY[attributes.function](broadcastAt(a, index), divisor);
        return integer ? wrapped(Math.floor(value), y.dtype) : value;
      }),
    ];
  },

  select: ([condition, a, b], _, [y]) => [
    tabulate(y.shape, (index) => broadcastAt(broadcastAt(condition, index) ? a : b, index)),
  ],

  clamp: ([x], { min, max }) => [Array.from(x.values, (value) => Math.min(Math.max(value, min), max))],

  elu: ([x], { alpha }) => [Array.from(x.values, (value) => (value > 0 ? value : alpha * (Math.exp(value) - 1)))],

  convert: ([x], _, [y]) => [Array.from(x.values, (value) => naiveConvert(value, x.dtype, y.dtype))],

  reduce: ([x], { function: name, axes }, [y]) => {
    const groups = Array.from({ length: sizeOf(y.shape) }, (): number[] => []);
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    for (const index of indicesOf(x.shape)) {
      groups[
        flatten(
          index.map((position, axis) => (axes.includes(axis) ? 0 : position)),
          kept,
        )
      ].push(at(x, index));
    }
    return [groups.map(REDUCE[name])];
  },

  // By selection: the k-th element is the best of those not taken yet.
  topK: ([x], { axis, mode }, [values]) => {
    const found = Array.from(indicesOf(values.shape), (index) => {
      const taken = new Set<number>();
      let best = 0;
      for (let rank = 0; rank <= index[axis]; rank++) {
        best = -1;
        for (let position = 0; position < x.shape[axis]; position++) {
          const [candidate, leader] = [position, best].map((each) => at(x, replaceAxis(index, axis, each)));
          if (!taken.has(position) && (best < 0 || (mode === 'max' ? candidate > leader : candidate < leader))) {
            best = position;
          }
        }
        taken.add(best);
      }
      return { value: at(x, replaceAxis(index, axis, best)), best };
    });
    return [found.map((each) => each.value), found.map((each) => each.best)];
  },
};
