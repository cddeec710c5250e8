/**
 * Gradient rules and training forms by operation: what training needs beyond the definitions. Adding a differentiable
 * operation is one file, one line in operations.ts and one here. Only what trains models that it holds as graphs imports
 * this; functions such as `conv2d` bring their own rules, so that a program that only runs models holds no others.
 */
import type { GradientRule, OperationDefinition, TrainingForm, TrainingRules } from '../autograd/operation.js';
import { ABS, gradientOfAbs } from './elementwise/abs.js';
import { ADD, gradientOfAdd } from './elementwise/add.js';
import { CEILING } from './elementwise/ceiling.js';
import { CLAMP, gradientOfClamp } from './elementwise/clamp.js';
import { CONVERT, gradientOfConvert } from './elementwise/convert.js';
import { DIVIDE, gradientOfDivide } from './elementwise/divide.js';
import { ELU, gradientOfElu } from './elementwise/elu.js';
import { ERF, gradientOfErf } from './elementwise/erf.js';
import { EXP, gradientOfExp } from './elementwise/exp.js';
import { FLOOR } from './elementwise/floor.js';
import { GELU, gradientOfGelu } from './elementwise/gelu.js';
import { gradientOfHsigmoid, HSIGMOID } from './elementwise/hsigmoid.js';
import { gradientOfHswish, HSWISH } from './elementwise/hswish.js';
import { gradientOfLog, LOG } from './elementwise/log.js';
import { gradientOfMaximum, MAXIMUM } from './elementwise/maximum.js';
import { gradientOfMinimum, MINIMUM } from './elementwise/minimum.js';
import { gradientOfMish, MISH } from './elementwise/mish.js';
import { gradientOfMultiply, MULTIPLY } from './elementwise/multiply.js';
import { gradientOfNegative, NEGATIVE } from './elementwise/negative.js';
import { gradientOfPower, POWER } from './elementwise/power.js';
import { gradientOfPrelu, PRELU } from './elementwise/prelu.js';
import { gradientOfRelu, RELU } from './elementwise/relu.js';
import { ROUND } from './elementwise/round.js';
import { gradientOfSelect, SELECT } from './elementwise/select.js';
import { gradientOfSigmoid, SIGMOID } from './elementwise/sigmoid.js';
import { SIGN } from './elementwise/sign.js';
import { gradientOfSoftplus, SOFTPLUS } from './elementwise/softplus.js';
import { gradientOfSqrt, SQRT } from './elementwise/sqrt.js';
import { gradientOfSubtract, SUBTRACT } from './elementwise/subtract.js';
import { gradientOfSwish, SWISH } from './elementwise/swish.js';
import { gradientOfTanh, TANH } from './elementwise/tanh.js';
import { zeroGradient } from './elementwise/unary.js';
import { BROADCAST, gradientOfBroadcast, gradientOfReduceSum, REDUCE_SUM } from './movement/broadcast.js';
import { CONCAT, gradientOfConcat } from './movement/concat.js';
import { GATHER, gradientOfGather } from './movement/gather.js';
import { GATHER_ELEMENTS, gradientOfGatherElements } from './movement/gatherElements.js';
import { gradientOfPad, PAD } from './movement/pad.js';
import { gradientOfReshape, RESHAPE } from './movement/reshape.js';
import { gradientOfSlice, SLICE } from './movement/slice.js';
import { gradientOfVariadicSplit, VARIADIC_SPLIT } from './movement/split.js';
import { gradientOfSqueeze, gradientOfUnsqueeze, SQUEEZE, UNSQUEEZE } from './movement/squeeze.js';
import { gradientOfTile, TILE } from './movement/tile.js';
import { gradientOfTranspose, TRANSPOSE } from './movement/transpose.js';
import { ADAPTIVE_AVG_POOL, gradientOfAdaptiveAvgPool } from './neural/adaptiveAvgPool.js';
import { AVG_POOL, gradientOfAvgPool } from './neural/avgPool.js';
import { BATCH_NORM_INFERENCE, batchNormInTraining } from './neural/batchNorm.js';
import {
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
  gradientOfConvolution,
  gradientOfConvolutionBackprop,
} from './neural/convolution.js';
import { DROPOUT, dropoutInTraining } from './neural/dropout.js';
import { gradientOfInterpolate, INTERPOLATE } from './neural/interpolate.js';
import { gradientOfLogSoftmax, LOG_SOFTMAX } from './neural/logSoftmax.js';
import { gradientOfMatmul, MATMUL } from './neural/matMul.js';
import { gradientOfMaxPool, MAX_POOL } from './neural/maxPool.js';
import { gradientOfMvn, MVN } from './neural/mvn.js';
import { gradientOfSoftmax, SOFTMAX } from './neural/softmax.js';
import { ASYMMETRIC_FAKE_QUANTIZE, gradientOfAsymmetricFakeQuantize } from './quantization/asymmetricFakeQuantize.js';
import { FAKE_QUANTIZE, gradientOfFakeQuantize } from './quantization/openvinoFakeQuantize.js';
import { gradientOfQuantizeDequantize, QUANTIZE_DEQUANTIZE } from './quantization/quantizeDequantize.js';
import { gradientOfSymmetricFakeQuantize, SYMMETRIC_FAKE_QUANTIZE } from './quantization/symmetricFakeQuantize.js';
import { gradientOfExtremum } from './reduction/extremum.js';
import { REDUCE_MAX } from './reduction/max.js';
import { gradientOfReduceMean, REDUCE_MEAN } from './reduction/mean.js';
import { REDUCE_MIN } from './reduction/min.js';
import { gradientOfReduceProd, REDUCE_PROD } from './reduction/prod.js';
import { gradientOfTopK, TOP_K } from './reduction/topK.js';

/** Rules of all attribute types in one list, each beside the operation whose attributes it takes. */
type Pair<Rule> = readonly [OperationDefinition, Rule];

const GRADIENTS: readonly Pair<GradientRule>[] = [
  // elementwise
  [ABS, gradientOfAbs],
  [ADD, gradientOfAdd],
  [CEILING, zeroGradient],
  [CLAMP, gradientOfClamp],
  [CONVERT, gradientOfConvert],
  [DIVIDE, gradientOfDivide],
  [ELU, gradientOfElu],
  [ERF, gradientOfErf],
  [EXP, gradientOfExp],
  [FLOOR, zeroGradient],
  [GELU, gradientOfGelu],
  [HSIGMOID, gradientOfHsigmoid],
  [HSWISH, gradientOfHswish],
  [LOG, gradientOfLog],
  [MAXIMUM, gradientOfMaximum],
  [MINIMUM, gradientOfMinimum],
  [MISH, gradientOfMish],
  [MULTIPLY, gradientOfMultiply],
  [NEGATIVE, gradientOfNegative],
  [POWER, gradientOfPower],
  [PRELU, gradientOfPrelu],
  [RELU, gradientOfRelu],
  [ROUND, zeroGradient],
  [SELECT, gradientOfSelect],
  [SIGMOID, gradientOfSigmoid],
  [SIGN, zeroGradient],
  [SOFTPLUS, gradientOfSoftplus],
  [SQRT, gradientOfSqrt],
  [SUBTRACT, gradientOfSubtract],
  [SWISH, gradientOfSwish],
  [TANH, gradientOfTanh],
  // reduction
  [REDUCE_MAX, gradientOfExtremum],
  [REDUCE_MEAN, gradientOfReduceMean],
  [REDUCE_MIN, gradientOfExtremum],
  [REDUCE_PROD, gradientOfReduceProd],
  [TOP_K, gradientOfTopK],
  // movement
  [BROADCAST, gradientOfBroadcast],
  [REDUCE_SUM, gradientOfReduceSum],
  [CONCAT, gradientOfConcat],
  [GATHER, gradientOfGather],
  [GATHER_ELEMENTS, gradientOfGatherElements],
  [PAD, gradientOfPad],
  [RESHAPE, gradientOfReshape],
  [SLICE, gradientOfSlice],
  [VARIADIC_SPLIT, gradientOfVariadicSplit],
  [SQUEEZE, gradientOfSqueeze],
  [UNSQUEEZE, gradientOfUnsqueeze],
  [TILE, gradientOfTile],
  [TRANSPOSE, gradientOfTranspose],
  // neural
  [ADAPTIVE_AVG_POOL, gradientOfAdaptiveAvgPool],
  [AVG_POOL, gradientOfAvgPool],
  [CONVOLUTION, gradientOfConvolution],
  [CONVOLUTION_BACKPROP, gradientOfConvolutionBackprop],
  [GROUP_CONVOLUTION, gradientOfConvolution],
  [GROUP_CONVOLUTION_BACKPROP, gradientOfConvolutionBackprop],
  [INTERPOLATE, gradientOfInterpolate],
  [LOG_SOFTMAX, gradientOfLogSoftmax],
  [MATMUL, gradientOfMatmul],
  [MAX_POOL, gradientOfMaxPool],
  [MVN, gradientOfMvn],
  [SOFTMAX, gradientOfSoftmax],
  // quantization
  [ASYMMETRIC_FAKE_QUANTIZE, gradientOfAsymmetricFakeQuantize],
  [FAKE_QUANTIZE, gradientOfFakeQuantize],
  [QUANTIZE_DEQUANTIZE, gradientOfQuantizeDequantize],
  [SYMMETRIC_FAKE_QUANTIZE, gradientOfSymmetricFakeQuantize],
];

const TRAINING_FORMS: readonly Pair<TrainingForm>[] = [
  [BATCH_NORM_INFERENCE, batchNormInTraining],
  [DROPOUT, dropoutInTraining],
];

const gradients = new Map(GRADIENTS);
const trainingForms = new Map(TRAINING_FORMS);

export const TRAINING_RULES: TrainingRules = {
  gradientOf: (definition) => gradients.get(definition),
  trainingFormOf: (definition) => trainingForms.get(definition),
};
