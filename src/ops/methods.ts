/**
 * The operations as methods of `Tensor`, so that calls can be chained. Importing this module installs them; the
 * functions of the same names document them. Short names are PyTorch's.
 */
import { type BackwardOptions, backward } from '../autograd/index.js';
import type { DType } from '../kernels/dtype.js';
import type { Shape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { abs } from './elementwise/abs.js';
import { add } from './elementwise/add.js';
import type { Operand } from './elementwise/binary.js';
import { ceiling } from './elementwise/ceiling.js';
import { clamp } from './elementwise/clamp.js';
import { cast } from './elementwise/convert.js';
import { divide } from './elementwise/divide.js';
import { equal } from './elementwise/equal.js';
import { erf } from './elementwise/erf.js';
import { exp } from './elementwise/exp.js';
import { floor } from './elementwise/floor.js';
import { type GeluApproximation, gelu } from './elementwise/gelu.js';
import { greater } from './elementwise/greater.js';
import { greaterEqual } from './elementwise/greaterEqual.js';
import { less } from './elementwise/less.js';
import { lessEqual } from './elementwise/lessEqual.js';
import { log } from './elementwise/log.js';
import { logicalAnd } from './elementwise/logicalAnd.js';
import { logicalNot } from './elementwise/logicalNot.js';
import { logicalOr } from './elementwise/logicalOr.js';
import { maximum } from './elementwise/maximum.js';
import { minimum } from './elementwise/minimum.js';
import { multiply } from './elementwise/multiply.js';
import { negative } from './elementwise/negative.js';
import { notEqual } from './elementwise/notEqual.js';
import { power, reciprocal, rsqrt, square } from './elementwise/power.js';
import { relu } from './elementwise/relu.js';
import { round } from './elementwise/round.js';
import { where } from './elementwise/select.js';
import { sigmoid } from './elementwise/sigmoid.js';
import { sign } from './elementwise/sign.js';
import { sqrt } from './elementwise/sqrt.js';
import { subtract } from './elementwise/subtract.js';
import { tanh } from './elementwise/tanh.js';
import { add_, copy_, divide_, fill_, multiply_, subtract_ } from './inPlace.js';
import { broadcastTo, sum } from './movement/broadcast.js';
import { gather, indexSelect } from './movement/gather.js';
import { gatherElements } from './movement/gatherElements.js';
import { type PadOptions, pad } from './movement/pad.js';
import { flatten, reshape } from './movement/reshape.js';
import { narrow, selectIndex, slice } from './movement/slice.js';
import { chunk, split } from './movement/split.js';
import { squeeze, unsqueeze } from './movement/squeeze.js';
import { tile } from './movement/tile.js';
import { permute, transpose } from './movement/transpose.js';
import { logSoftmax } from './neural/logSoftmax.js';
import { type MatMulAttributes, matMul } from './neural/matMul.js';
import { softmax } from './neural/softmax.js';
import { logSumExp } from './reduction/logSumExp.js';
import { max } from './reduction/max.js';
import { mean } from './reduction/mean.js';
import { min } from './reduction/min.js';
import { prod } from './reduction/prod.js';
import { argMax, argMin, type TopKOptions, topK } from './reduction/topK.js';
import { standardDeviation, type VarianceOptions, variance } from './reduction/variance.js';

type Axes = number | readonly number[];
type Numbers = number | readonly number[];

export interface TensorMethods {
  add(other: Operand): Tensor;
  subtract(other: Operand): Tensor;
  sub(other: Operand): Tensor;
  multiply(other: Operand): Tensor;
  mul(other: Operand): Tensor;
  divide(other: Operand): Tensor;
  div(other: Operand): Tensor;
  power(exponent: Operand): Tensor;
  pow(exponent: Operand): Tensor;
  maximum(other: Operand): Tensor;
  minimum(other: Operand): Tensor;
  matMul(other: Tensor, options?: Partial<MatMulAttributes>): Tensor;
  matmul(other: Tensor): Tensor;

  equal(other: Operand): Tensor;
  eq(other: Operand): Tensor;
  notEqual(other: Operand): Tensor;
  ne(other: Operand): Tensor;
  less(other: Operand): Tensor;
  lt(other: Operand): Tensor;
  lessEqual(other: Operand): Tensor;
  le(other: Operand): Tensor;
  greater(other: Operand): Tensor;
  gt(other: Operand): Tensor;
  greaterEqual(other: Operand): Tensor;
  ge(other: Operand): Tensor;
  logicalAnd(other: Tensor): Tensor;
  logicalOr(other: Tensor): Tensor;
  logicalNot(): Tensor;
  /** This tensor where the condition holds, `other` elsewhere. */
  where(condition: Tensor, other: Operand): Tensor;

  negative(): Tensor;
  neg(): Tensor;
  abs(): Tensor;
  sign(): Tensor;
  exp(): Tensor;
  log(): Tensor;
  sqrt(): Tensor;
  rsqrt(): Tensor;
  square(): Tensor;
  reciprocal(): Tensor;
  floor(): Tensor;
  ceiling(): Tensor;
  ceil(): Tensor;
  round(): Tensor;
  erf(): Tensor;
  relu(): Tensor;
  sigmoid(): Tensor;
  tanh(): Tensor;
  gelu(approximation?: GeluApproximation): Tensor;
  softmax(axis?: number): Tensor;
  logSoftmax(axis?: number): Tensor;
  clamp(min: number, max: number): Tensor;
  cast(dtype: DType): Tensor;

  sum(axes?: Axes, keepDims?: boolean): Tensor;
  mean(axes?: Axes, keepDims?: boolean): Tensor;
  max(axes?: Axes, keepDims?: boolean): Tensor;
  min(axes?: Axes, keepDims?: boolean): Tensor;
  prod(axes?: Axes, keepDims?: boolean): Tensor;
  logSumExp(axes?: Axes, keepDims?: boolean): Tensor;
  variance(axes?: Axes, options?: VarianceOptions): Tensor;
  standardDeviation(axes?: Axes, options?: VarianceOptions): Tensor;
  argMax(axis?: number, keepDims?: boolean): Tensor;
  argMin(axis?: number, keepDims?: boolean): Tensor;
  topK(k: number, options?: TopKOptions): { values: Tensor; indices: Tensor };

  reshape(shape: Shape): Tensor;
  flatten(startAxis?: number, endAxis?: number): Tensor;
  transpose(order?: readonly number[]): Tensor;
  transpose(first: number, second: number): Tensor;
  permute(order: readonly number[]): Tensor;
  squeeze(axes?: Axes): Tensor;
  unsqueeze(axes: Axes): Tensor;
  broadcastTo(shape: Shape): Tensor;
  slice(starts: Numbers, stops: Numbers, steps?: Numbers, axes?: Axes): Tensor;
  narrow(axis: number, start: number, length: number): Tensor;
  /** The slice at `index` of `axis`, without that axis. */
  select(axis: number, index: number): Tensor;
  split(sizeOrSizes: Numbers, axis?: number): Tensor[];
  chunk(count: number, axis?: number): Tensor[];
  pad(padsBegin: readonly number[], padsEnd: readonly number[], options?: PadOptions): Tensor;
  tile(repeats: readonly number[]): Tensor;
  gather(indices: Tensor, axis?: number): Tensor;
  indexSelect(axis: number, indices: Tensor): Tensor;
  gatherElements(indices: Tensor, axis: number): Tensor;

  /** Adds the gradient of this tensor with respect to every leaf that requires one into that leaf's `grad`. */
  backward(options?: BackwardOptions): void;

  /** In place: this += other. Throws `AutogradError` on a tensor that requires a gradient, outside of `noGrad`. */
  add_(other: Operand): Tensor;
  sub_(other: Operand): Tensor;
  mul_(other: Operand): Tensor;
  div_(other: Operand): Tensor;
  fill_(value: number): Tensor;
  zero_(): Tensor;
  /** In place: takes the values of `source`, broadcast and converted. */
  copy_(source: Tensor): Tensor;
}

declare module '../tensor/tensor.js' {
  interface Tensor extends TensorMethods {}
}

/** A method that passes the tensor as the first argument. */
type MethodOf<F> = F extends (x: Tensor, ...rest: infer Rest) => infer Result
  ? (this: Tensor, ...rest: Rest) => Result
  : never;

const method = <F extends (x: Tensor, ...rest: never[]) => unknown>(operation: F): MethodOf<F> =>
  function (this: Tensor, ...rest: never[]) {
    return operation(this, ...rest);
  } as MethodOf<F>;

/** The methods; those with overloads or another order of arguments are written out. */
const METHODS: TensorMethods & ThisType<Tensor> = {
  add: method(add),
  subtract: method(subtract),
  sub: method(subtract),
  multiply: method(multiply),
  mul: method(multiply),
  divide: method(divide),
  div: method(divide),
  power: method(power),
  pow: method(power),
  maximum: method(maximum),
  minimum: method(minimum),
  matMul: method(matMul),
  matmul(other) {
    return matMul(this, other);
  },

  equal: method(equal),
  eq: method(equal),
  notEqual: method(notEqual),
  ne: method(notEqual),
  less: method(less),
  lt: method(less),
  lessEqual: method(lessEqual),
  le: method(lessEqual),
  greater: method(greater),
  gt: method(greater),
  greaterEqual: method(greaterEqual),
  ge: method(greaterEqual),
  logicalAnd: method(logicalAnd),
  logicalOr: method(logicalOr),
  logicalNot: method(logicalNot),
  where(condition, other) {
    return where(condition, this, other);
  },

  negative: method(negative),
  neg: method(negative),
  abs: method(abs),
  sign: method(sign),
  exp: method(exp),
  log: method(log),
  sqrt: method(sqrt),
  rsqrt: method(rsqrt),
  square: method(square),
  reciprocal: method(reciprocal),
  floor: method(floor),
  ceiling: method(ceiling),
  ceil: method(ceiling),
  round: method(round),
  erf: method(erf),
  relu: method(relu),
  sigmoid: method(sigmoid),
  tanh: method(tanh),
  gelu: method(gelu),
  softmax: method(softmax),
  logSoftmax: method(logSoftmax),
  clamp: method(clamp),
  cast: method(cast),

  sum: method(sum),
  mean: method(mean),
  max: method(max),
  min: method(min),
  prod: method(prod),
  logSumExp: method(logSumExp),
  variance: method(variance),
  standardDeviation: method(standardDeviation),
  argMax: method(argMax),
  argMin: method(argMin),
  topK: method(topK),

  reshape: method(reshape),
  flatten: method(flatten),
  transpose(order?: number | readonly number[], second?: number) {
    return typeof order === 'number' ? transpose(this, order, second as number) : transpose(this, order);
  },
  permute: method(permute),
  squeeze: method(squeeze),
  unsqueeze: method(unsqueeze),
  broadcastTo: method(broadcastTo),
  slice: method(slice),
  narrow: method(narrow),
  select: method(selectIndex),
  split: method(split),
  chunk: method(chunk),
  pad: method(pad),
  tile: method(tile),
  gather: method(gather),
  indexSelect: method(indexSelect),
  gatherElements: method(gatherElements),

  backward: method(backward),

  add_: method(add_),
  sub_: method(subtract_),
  mul_: method(multiply_),
  div_: method(divide_),
  fill_: method(fill_),
  zero_() {
    return fill_(this, 0);
  },
  copy_: method(copy_),
};

for (const [name, value] of Object.entries(METHODS)) {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}
