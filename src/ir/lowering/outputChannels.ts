/** The operations that have weights, and where these count their output channels. */
import type { OperationDefinition } from '../../autograd/operation.js';
import type { GraphNode } from '../../graph/graph.js';
import {
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
} from '../../ops/neural/convolution.js';
import { MATMUL, type MatMulAttributes } from '../../ops/neural/matMul.js';

const AXES: ReadonlyMap<OperationDefinition, (attributes: never) => readonly number[]> = new Map<
  OperationDefinition,
  (attributes: never) => readonly number[]
>([
  [CONVOLUTION as OperationDefinition, () => [0]],
  [GROUP_CONVOLUTION as OperationDefinition, () => [0, 1]],
  [CONVOLUTION_BACKPROP as OperationDefinition, () => [1]],
  [GROUP_CONVOLUTION_BACKPROP as OperationDefinition, () => [0, 2]],
  [MATMUL as OperationDefinition, ({ transposeB }: MatMulAttributes) => [transposeB ? 0 : 1]],
]);

export const hasWeights = ({ definition }: GraphNode): boolean => AXES.has(definition);

/** The axes of input 1 (of a matrix, for MatMul) that together count the output channels; null for other operations. */
export const outputChannelAxes = ({ definition, attributes }: GraphNode): readonly number[] | null =>
  AXES.get(definition)?.(attributes as never) ?? null;
