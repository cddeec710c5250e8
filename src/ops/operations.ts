/**
 * Every operation by its type. Adding an operation is one file and one line here; whatever reads graphs and files
 * finds it through this list.
 */
import type { OperationDefinition } from '../autograd/operation.js';
import { ABS } from './elementwise/abs.js';
import { ADD } from './elementwise/add.js';
import { CEILING } from './elementwise/ceiling.js';
import { CLAMP } from './elementwise/clamp.js';
import { CONVERT } from './elementwise/convert.js';
import { DIVIDE } from './elementwise/divide.js';
import { ELU } from './elementwise/elu.js';
import { EQUAL } from './elementwise/equal.js';
import { ERF } from './elementwise/erf.js';
import { EXP } from './elementwise/exp.js';
import { FLOOR } from './elementwise/floor.js';
import { GELU } from './elementwise/gelu.js';
import { GREATER } from './elementwise/greater.js';
import { GREATER_EQUAL } from './elementwise/greaterEqual.js';
import { HSIGMOID } from './elementwise/hsigmoid.js';
import { HSWISH } from './elementwise/hswish.js';
import { LESS } from './elementwise/less.js';
import { LESS_EQUAL } from './elementwise/lessEqual.js';
import { LOG } from './elementwise/log.js';
import { LOGICAL_AND } from './elementwise/logicalAnd.js';
import { LOGICAL_NOT } from './elementwise/logicalNot.js';
import { LOGICAL_OR } from './elementwise/logicalOr.js';
import { MAXIMUM } from './elementwise/maximum.js';
import { MINIMUM } from './elementwise/minimum.js';
import { MISH } from './elementwise/mish.js';
import { MULTIPLY } from './elementwise/multiply.js';
import { NEGATIVE } from './elementwise/negative.js';
import { NOT_EQUAL } from './elementwise/notEqual.js';
import { POWER } from './elementwise/power.js';
import { PRELU } from './elementwise/prelu.js';
import { RELU } from './elementwise/relu.js';
import { ROUND } from './elementwise/round.js';
import { SELECT } from './elementwise/select.js';
import { SIGMOID } from './elementwise/sigmoid.js';
import { SIGN } from './elementwise/sign.js';
import { SOFTPLUS } from './elementwise/softplus.js';
import { SQRT } from './elementwise/sqrt.js';
import { SUBTRACT } from './elementwise/subtract.js';
import { SWISH } from './elementwise/swish.js';
import { TANH } from './elementwise/tanh.js';
import { BROADCAST, REDUCE_SUM } from './movement/broadcast.js';
import { CONCAT } from './movement/concat.js';
import { GATHER } from './movement/gather.js';
import { GATHER_ELEMENTS } from './movement/gatherElements.js';
import { PAD } from './movement/pad.js';
import { RESHAPE } from './movement/reshape.js';
import { SLICE } from './movement/slice.js';
import { VARIADIC_SPLIT } from './movement/split.js';
import { SQUEEZE, UNSQUEEZE } from './movement/squeeze.js';
import { TILE } from './movement/tile.js';
import { TRANSPOSE } from './movement/transpose.js';
import { ADAPTIVE_AVG_POOL } from './neural/adaptiveAvgPool.js';
import { AVG_POOL } from './neural/avgPool.js';
import { BATCH_NORM_INFERENCE } from './neural/batchNorm.js';
import {
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
} from './neural/convolution.js';
import { DROPOUT } from './neural/dropout.js';
import { INTERPOLATE } from './neural/interpolate.js';
import { LOG_SOFTMAX } from './neural/logSoftmax.js';
import { MATMUL } from './neural/matMul.js';
import { MAX_POOL } from './neural/maxPool.js';
import { MVN } from './neural/mvn.js';
import { SOFTMAX } from './neural/softmax.js';
import { ASYMMETRIC_FAKE_QUANTIZE } from './quantization/asymmetricFakeQuantize.js';
import { FAKE_QUANTIZE } from './quantization/openvinoFakeQuantize.js';
import { QUANTIZE_DEQUANTIZE } from './quantization/quantizeDequantize.js';
import { SYMMETRIC_FAKE_QUANTIZE } from './quantization/symmetricFakeQuantize.js';
import { REDUCE_MAX } from './reduction/max.js';
import { REDUCE_MEAN } from './reduction/mean.js';
import { REDUCE_MIN } from './reduction/min.js';
import { REDUCE_PROD } from './reduction/prod.js';
import { TOP_K } from './reduction/topK.js';

const ALL: readonly OperationDefinition[] = [
  // elementwise
  ABS,
  ADD,
  CEILING,
  CLAMP,
  CONVERT,
  DIVIDE,
  ELU,
  EQUAL,
  ERF,
  EXP,
  FLOOR,
  GELU,
  GREATER,
  GREATER_EQUAL,
  HSIGMOID,
  HSWISH,
  LESS,
  LESS_EQUAL,
  LOG,
  LOGICAL_AND,
  LOGICAL_NOT,
  LOGICAL_OR,
  MAXIMUM,
  MINIMUM,
  MISH,
  MULTIPLY,
  NEGATIVE,
  NOT_EQUAL,
  POWER,
  PRELU,
  RELU,
  ROUND,
  SELECT,
  SIGMOID,
  SIGN,
  SOFTPLUS,
  SQRT,
  SUBTRACT,
  SWISH,
  TANH,
  // reduction
  REDUCE_MAX,
  REDUCE_MEAN,
  REDUCE_MIN,
  REDUCE_PROD,
  TOP_K,
  // movement
  BROADCAST,
  REDUCE_SUM,
  CONCAT,
  GATHER,
  GATHER_ELEMENTS,
  PAD,
  RESHAPE,
  SLICE,
  VARIADIC_SPLIT,
  SQUEEZE,
  UNSQUEEZE,
  TILE,
  TRANSPOSE,
  // neural
  ADAPTIVE_AVG_POOL,
  AVG_POOL,
  BATCH_NORM_INFERENCE,
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
  DROPOUT,
  INTERPOLATE,
  LOG_SOFTMAX,
  MATMUL,
  MAX_POOL,
  MVN,
  SOFTMAX,
  // quantization
  ASYMMETRIC_FAKE_QUANTIZE,
  FAKE_QUANTIZE,
  QUANTIZE_DEQUANTIZE,
  SYMMETRIC_FAKE_QUANTIZE,
];

/** Every operation that a graph may hold. Those that only occur in backward passes are not among them. */
export const OPERATIONS = ALL as readonly OperationDefinition<never>[];

const BY_TYPE = new Map(ALL.map((definition) => [definition.type, definition]));

/** The operation of this type (OpenVINO's name, or our own where OpenVINO has none), if there is one. */
export const operationOfType = (type: string): OperationDefinition | undefined => BY_TYPE.get(type);
