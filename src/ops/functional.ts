/**
 * The functions that models are written with, by PyTorch's names in camelCase; users import them as `functional`
 * (`F`). Where PyTorch's short name differs from the operation's, both are here.
 */
export { abs } from './elementwise/abs.js';
export { add } from './elementwise/add.js';
export { ceiling, ceiling as ceil } from './elementwise/ceiling.js';
export { clamp, relu6 } from './elementwise/clamp.js';
export { cast } from './elementwise/convert.js';
export { divide, divide as div } from './elementwise/divide.js';
export { elu } from './elementwise/elu.js';
export { equal, equal as eq } from './elementwise/equal.js';
export { erf } from './elementwise/erf.js';
export { exp } from './elementwise/exp.js';
export { floor } from './elementwise/floor.js';
export { gelu } from './elementwise/gelu.js';
export { greater, greater as gt } from './elementwise/greater.js';
export { greaterEqual, greaterEqual as ge } from './elementwise/greaterEqual.js';
export { hsigmoid as hardsigmoid } from './elementwise/hsigmoid.js';
export { hswish as hardswish } from './elementwise/hswish.js';
export { less, less as lt } from './elementwise/less.js';
export { lessEqual, lessEqual as le } from './elementwise/lessEqual.js';
export { log } from './elementwise/log.js';
export { logicalAnd } from './elementwise/logicalAnd.js';
export { logicalNot } from './elementwise/logicalNot.js';
export { logicalOr } from './elementwise/logicalOr.js';
export { maximum } from './elementwise/maximum.js';
export { minimum } from './elementwise/minimum.js';
export { mish } from './elementwise/mish.js';
export { multiply, multiply as mul } from './elementwise/multiply.js';
export { negative, negative as neg } from './elementwise/negative.js';
export { notEqual, notEqual as ne } from './elementwise/notEqual.js';
export { power, power as pow, reciprocal, rsqrt, square } from './elementwise/power.js';
export { leakyRelu, prelu } from './elementwise/prelu.js';
export { relu } from './elementwise/relu.js';
export { round } from './elementwise/round.js';
export { where } from './elementwise/select.js';
export { sigmoid } from './elementwise/sigmoid.js';
export { sign } from './elementwise/sign.js';
export { softplus } from './elementwise/softplus.js';
export { sqrt } from './elementwise/sqrt.js';
export { subtract, subtract as sub } from './elementwise/subtract.js';
export { silu, silu as swish } from './elementwise/swish.js';
export { tanh } from './elementwise/tanh.js';
export {
  type BceWithLogitsOptions,
  bceWithLogits,
  bceWithLogits as binaryCrossEntropyWithLogits,
} from './loss/bceWithLogits.js';
export { type CrossEntropyOptions, crossEntropy } from './loss/crossEntropy.js';
export { type HuberLossOptions, huberLoss, type SmoothL1LossOptions, smoothL1Loss } from './loss/huberLoss.js';
export { type KlDivergenceOptions, klDivergence, klDivergence as klDiv } from './loss/klDivergence.js';
export { l1Loss } from './loss/l1Loss.js';
export { mseLoss } from './loss/mseLoss.js';
export { type NllLossOptions, nllLoss } from './loss/nllLoss.js';
export type { LossOptions, LossReduction } from './loss/reduction.js';
export { broadcastTo, sum } from './movement/broadcast.js';
export { concat, concat as cat, stack } from './movement/concat.js';
export { gather, indexSelect } from './movement/gather.js';
export { gatherElements } from './movement/gatherElements.js';
export { type PadMode, type PadOptions, pad } from './movement/pad.js';
export { flatten, reshape } from './movement/reshape.js';
export { narrow, selectIndex, slice } from './movement/slice.js';
export { chunk, split } from './movement/split.js';
export { squeeze, unsqueeze } from './movement/squeeze.js';
export { tile } from './movement/tile.js';
export { permute, transpose } from './movement/transpose.js';
export { adaptiveAvgPool2d } from './neural/adaptiveAvgPool.js';
export { type AvgPool2dOptions, avgPool2d } from './neural/avgPool.js';
export { type BatchNormOptions, batchNorm } from './neural/batchNorm.js';
export {
  type Conv2dOptions,
  type Conv2dPadding,
  type ConvTranspose2dOptions,
  conv2d,
  convTranspose2d,
} from './neural/conv2d.js';
export { type DropoutOptions, dropout } from './neural/dropout.js';
export { embedding } from './neural/embedding.js';
export { type InterpolateOptions, interpolate } from './neural/interpolate.js';
export { linear } from './neural/linear.js';
export { logSoftmax } from './neural/logSoftmax.js';
export { matMul, matMul as matmul } from './neural/matMul.js';
export { type MaxPool2dOptions, maxPool2d, maxPool2dWithIndices } from './neural/maxPool.js';
export { layerNorm, mvn } from './neural/mvn.js';
export { softmax } from './neural/softmax.js';
export { asymmetricFakeQuantize } from './quantization/asymmetricFakeQuantize.js';
export { fakeQuantize } from './quantization/openvinoFakeQuantize.js';
export { symmetricFakeQuantize } from './quantization/symmetricFakeQuantize.js';
export { logSumExp } from './reduction/logSumExp.js';
export { max } from './reduction/max.js';
export { mean } from './reduction/mean.js';
export { min } from './reduction/min.js';
export { prod } from './reduction/prod.js';
export { argMax, argMin, topK } from './reduction/topK.js';
export { standardDeviation, standardDeviation as std, variance } from './reduction/variance.js';
