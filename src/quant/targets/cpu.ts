/** The CPU table (NNCF's targets ANY and CPU): what OpenVINO's x86 and Arm plugins run in INT8. */
import type { ConfigChoice, OperationSupport, TargetTable } from './target.js';

const symmetricTensor: ConfigChoice = { mode: 'symmetric', perChannel: false };
const symmetricChannel: ConfigChoice = { mode: 'symmetric', perChannel: true };
const asymmetricTensor: ConfigChoice = { mode: 'asymmetric', perChannel: false };
const asymmetricChannel: ConfigChoice = { mode: 'asymmetric', perChannel: true };

const perTensor = [symmetricTensor, asymmetricTensor];
const perChannel = [symmetricChannel, symmetricTensor, asymmetricChannel, asymmetricTensor];
const weights = [symmetricChannel, symmetricTensor, asymmetricChannel, asymmetricTensor];

const weighted: OperationSupport = { activations: perTensor, weights };
const activationsOnly: OperationSupport = { activations: perTensor };
const byTrait: OperationSupport = { activations: [] };

const table = (support: OperationSupport, ...types: readonly string[]): Record<string, OperationSupport> =>
  Object.fromEntries(types.map((type) => [type, support]));

export const CPU_TARGET: TargetTable = {
  name: 'cpu',
  operations: {
    ...table(weighted, 'Convolution', 'ConvolutionBackpropData', 'GroupConvolutionBackpropData', 'MatMul'),
    GroupConvolution: { activations: perTensor, weights, depthwiseActivations: perChannel },
    ...table(
      activationsOnly,
      'Add',
      'Subtract',
      'Multiply',
      'Divide',
      'Maximum',
      'Minimum',
      'FloorMod',
      'SquaredDifference',
    ),
    ...table(
      activationsOnly,
      'Equal',
      'NotEqual',
      'Less',
      'LessEqual',
      'Greater',
      'GreaterEqual',
      'LogicalAnd',
      'LogicalOr',
      'LogicalNot',
    ),
    ...table(
      activationsOnly,
      'Power',
      'Sqrt',
      'AvgPool',
      'AdaptiveAvgPool',
      'ReduceMean',
      'ReduceSum',
      'ReduceL2',
      'NormalizeL2',
      'MVN',
      'Interpolate',
    ),
    BatchNormInference: { activations: perTensor },
    ...table(
      byTrait,
      'MaxPool',
      'ReduceMax',
      'Reshape',
      'Squeeze',
      'Unsqueeze',
      'Split',
      'VariadicSplit',
      'Transpose',
      'Tile',
      'StridedSlice',
      'Slice',
      'Broadcast',
      'Pad',
    ),
    ...table(byTrait, 'Concat', 'GatherElements'),
    Gather: { activations: [], weights },
  },
};
