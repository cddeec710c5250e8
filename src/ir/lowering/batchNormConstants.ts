/** Batch normalisation with fixed statistics as one factor and one offset per channel. */
import type { GraphNode } from '../../graph/graph.js';
import { BATCH_NORM_INFERENCE, type BatchNormAttributes } from '../../ops/neural/batchNorm.js';

export interface ChannelAffine {
  /** k = gamma / sqrt(variance + epsilon). */
  readonly factor: Float64Array;
  /** beta - mean k. */
  readonly offset: Float64Array;
}

/** Null where the node is no batch normalisation, or its parameters are not constant. */
export function batchNormConstants(node: GraphNode): ChannelAffine | null {
  if (node.definition !== BATCH_NORM_INFERENCE) return null;
  const parameters = node.inputs.slice(1);
  if (!parameters.every((value) => value.node.isConstant)) return null;
  const [gamma, beta, mean, variance] = parameters.map((value) => value.node.constant.tensor.dataSync());
  const { epsilon } = node.attributes as BatchNormAttributes;
  const factor = Float64Array.from(gamma, (value, channel) => value / Math.sqrt(variance[channel] + epsilon));
  return { factor, offset: Float64Array.from(beta, (value, channel) => value - mean[channel] * factor[channel]) };
}
