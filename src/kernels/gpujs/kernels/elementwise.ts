/** The unary and binary functions of the contract. Comparisons and logic give 1 or 0. */
import type { BinaryFunction, UnaryFunction } from '../../contract.js';
import type { DType } from '../../dtype.js';
import type { ProgramWriter } from '../program.js';
import { extreme } from './extreme.js';
import {
  errorFunction,
  exponential,
  gelu,
  geluTanh,
  hyperbolicTangent,
  logarithm,
  mish,
  sigmoid,
  softplus,
} from './functions.js';
import { floorDivide, isSmallInteger, wrap } from './integers.js';
import { type PointwiseWriter, pointwise } from './pointwise.js';
import { power } from './power.js';
import { roundHalfToEven } from './source.js';

type UnaryWriter = (x: string, y: string) => string;

/** min(max(x + 3, 0), 6). */
const hardSegment: UnaryWriter = (x, y) => `
    let ${y} = ${x} + 3;
    if (${y} < 0) { ${y} = 0; }
    if (${y} > 6) { ${y} = 6; }`;

/** Every function keeps NaN, and those that pass through zero keep its sign. */
const UNARY: Readonly<Record<UnaryFunction, UnaryWriter>> = {
  relu: (x, y) => `let ${y} = ${x}; if (${x} <= 0) { ${y} = 0; }`,
  abs: (x, y) => `const ${y} = Math.abs(${x});`,
  negative: (x, y) => `const ${y} = -${x};`,
  sign: (x, y) => `let ${y} = ${x}; if (${x} > 0) { ${y} = 1; } if (${x} < 0) { ${y} = -1; }`,
  floor: (x, y) => `const ${y} = Math.floor(${x});`,
  ceiling: (x, y) => `const ${y} = Math.ceil(${x});`,
  round: roundHalfToEven,
  sqrt: (x, y) => `const ${y} = Math.sqrt(${x});`,
  reciprocal: (x, y) => `const ${y} = 1 / ${x};`,
  exp: exponential,
  log: logarithm,
  sigmoid,
  tanh: hyperbolicTangent,
  erf: errorFunction,
  gelu,
  geluTanh,
  softplus,
  mish,
  swish: (x, y) => `${sigmoid(x, `${y}Sigmoid`)} const ${y} = ${x} * ${y}Sigmoid;`,
  hsigmoid: (x, y) => `${hardSegment(x, `${y}Segment`)} const ${y} = ${y}Segment / 6;`,
  hswish: (x, y) => `${hardSegment(x, `${y}Segment`)} const ${y} = ${x} * ${y}Segment / 6;`,
  logicalNot: (x, y) => `let ${y} = 0; if (${x} === 0) { ${y} = 1; }`,
};

type BinaryWriter = (a: string, b: string, y: string) => string;

const operator =
  (symbol: string): BinaryWriter =>
  (a, b, y) =>
    `const ${y} = ${a} ${symbol} ${b};`;

const holds =
  (condition: (a: string, b: string) => string): BinaryWriter =>
  (a, b, y) =>
    `let ${y} = 0; if (${condition(a, b)}) { ${y} = 1; }`;

/** NaN equals nothing, but need not be unequal to it in a shading language: so `!==` is never asked. */
const fails =
  (condition: (a: string, b: string) => string): BinaryWriter =>
  (a, b, y) =>
    `let ${y} = 1; if (${condition(a, b)}) { ${y} = 0; }`;

const BINARY: Readonly<Record<BinaryFunction, BinaryWriter>> = {
  add: operator('+'),
  subtract: operator('-'),
  multiply: operator('*'),
  divide: operator('/'),
  power,
  maximum: (a, b, y) => extreme('max', a, b, y),
  minimum: (a, b, y) => extreme('min', a, b, y),
  equal: holds((a, b) => `${a} === ${b}`),
  notEqual: fails((a, b) => `${a} === ${b}`),
  less: holds((a, b) => `${a} < ${b}`),
  lessEqual: holds((a, b) => `${a} <= ${b}`),
  greater: holds((a, b) => `${a} > ${b}`),
  greaterEqual: holds((a, b) => `${a} >= ${b}`),
  logicalAnd: fails((a, b) => `${a} === 0 || ${b} === 0`),
  logicalOr: fails((a, b) => `${a} === 0 && ${b} === 0`),
};

/** Functions that give bool, of any type. */
const PREDICATES: readonly BinaryFunction[] = [
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
  'logicalAnd',
  'logicalOr',
];

const unaryFunction =
  (name: UnaryFunction): PointwiseWriter =>
  ([x], result) =>
    UNARY[name](x, result);

/** Functions of integers that stay in their type, once wrapped. */
const INTEGER_UNARY: readonly UnaryFunction[] = ['relu', 'abs', 'negative', 'sign', 'floor', 'ceiling', 'round'];

export const unary: ProgramWriter<'unary'> = (inputs, { function: name }, [output]) => {
  const { dtype } = output;
  if (dtype === 'float32' || dtype === 'bool') {
    // The functions that give bool take bool.
    return name === 'logicalNot' || dtype === 'float32' ? pointwise(unaryFunction(name), inputs, output) : undefined;
  }
  return INTEGER_UNARY.includes(name)
    ? pointwise(([x], y) => `${UNARY[name](x, `${y}Exact`)} let ${y} = ${y}Exact; ${wrap(y, dtype)}`, inputs, output)
    : undefined;
};

/** The function of integers with its result in their type; undefined if it could leave the numbers that are exact. */
function integerFunction(name: BinaryFunction, dtype: DType): BinaryWriter | undefined {
  switch (name) {
    case 'maximum':
    case 'minimum':
      return BINARY[name];
    case 'divide':
      return (a, b, y) => `${floorDivide(a, b, y)} ${wrap(y, dtype)}`;
    case 'add':
    case 'subtract':
    case 'multiply':
      return isSmallInteger(dtype)
        ? (a, b, y) => `${BINARY[name](a, b, `${y}Exact`)} let ${y} = ${y}Exact; ${wrap(y, dtype)}`
        : undefined;
    default:
      return undefined;
  }
}

export const binary: ProgramWriter<'binary'> = (inputs, { function: name }, [output]) => {
  const write =
    output.dtype === 'float32' || PREDICATES.includes(name) ? BINARY[name] : integerFunction(name, output.dtype);
  return write && pointwise(([a, b], y) => write(a, b, y), inputs, output);
};
