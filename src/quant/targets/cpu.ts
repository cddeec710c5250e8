/**
 * The CPU table (NNCF's targets ANY, CPU and CPU_SPR): what OpenVINO's x86 and Arm plugins run in INT8
 * (NNCF: `common/hardware/setups/cpu.py`).
 */
import { A, A_CHANNELS, A8, W, W_PICKED } from './spaces.js';
import { forTypes, type OperationSupport, type TargetTable } from './target.js';

const BY_TRAIT: OperationSupport = { activations: [] };

/** Operations that keep values as they are, or that the table leaves to their trait. */
export const BY_TRAIT_OPERATIONS = forTypes(
  BY_TRAIT,
  ...['MaxPool', 'ReduceMax', 'Reshape', 'Squeeze', 'Unsqueeze', 'Split', 'VariadicSplit', 'Transpose', 'Tile'],
  ...['StridedSlice', 'Slice', 'Broadcast', 'Pad', 'GatherElements'],
);

export const COMPARISONS = ['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'];
export const ELEMENTWISE = [
  ...['Add', 'Subtract', 'Multiply', 'Divide', 'Maximum', 'Minimum', 'FloorMod', 'SquaredDifference'],
  ...COMPARISONS,
  ...['LogicalAnd', 'LogicalOr', 'LogicalNot'],
];

/** Operations with one data input that are computed in integers. */
export const REDUCTIONS = [
  ...['Power', 'Sqrt', 'AvgPool', 'AdaptiveAvgPool', 'ReduceMean', 'ReduceSum', 'ReduceL2', 'NormalizeL2', 'MVN'],
];

/** In a transformer only matrix products, convolutions and embeddings are quantized. */
export const TRANSFORMER_IGNORED: readonly string[] = [
  ...['Add', 'Subtract', 'Divide', 'Multiply', 'Maximum', 'SquaredDifference', 'Power', 'Sqrt', 'AvgPool'],
  ...['AdaptiveAvgPool', 'ReduceMean', 'ReduceSum', 'ReduceL2', 'Squeeze', 'MVN', 'BatchNormInference'],
  ...COMPARISONS,
];

export const CPU_TARGET: TargetTable = {
  name: 'cpu',
  operations: {
    ...forTypes(
      { activations: A, weights: W },
      ...['Convolution', 'ConvolutionBackpropData', 'GroupConvolutionBackpropData', 'MatMul'],
    ),
    GroupConvolution: { activations: A, weights: W, depthwise: { activations: A_CHANNELS, weights: W } },
    ...forTypes({ activations: A }, ...ELEMENTWISE, ...REDUCTIONS),
    Interpolate: { activations: A8 },
    // NNCF has no name for it in the tables and quantizes it as the options say.
    BatchNormInference: { activations: 'any' },
    ...BY_TRAIT_OPERATIONS,
    Concat: { activations: [], unifiedScales: true },
    Gather: { activations: [], weights: W_PICKED },
  },
  transformerIgnored: TRANSFORMER_IGNORED,
};

/** Fourth-generation Xeon: as the CPU, but the sum of a residual connection reads one operand in float. */
export const CPU_SPR_TARGET: TargetTable = {
  ...CPU_TARGET,
  name: 'cpu_spr',
  transformerIgnored: TRANSFORMER_IGNORED.filter((type) => type !== 'Multiply'),
  oneQuantizerAtAdd: true,
};
