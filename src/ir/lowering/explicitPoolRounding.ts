/**
 * Pools that round the number of windows up get padding instead, with which rounding down gives the same windows.
 * OpenVINO keeps INT8 only through pools of the older opsets, which lack PyTorch's rule of rounding up.
 */
import type { OperationDefinition } from '../../autograd/operation.js';
import type { Graph } from '../../graph/graph.js';
import { AVG_POOL, type AvgPoolAttributes } from '../../ops/neural/avgPool.js';
import { MAX_POOL, type MaxPoolAttributes } from '../../ops/neural/maxPool.js';
import { isStatic } from '../../tensor/shape.js';

export function explicitPoolRounding(graph: Graph): void {
  for (const node of graph.nodes) {
    const isAverage = node.definition === (AVG_POOL as OperationDefinition);
    if (!isAverage && node.definition !== (MAX_POOL as OperationDefinition)) continue;
    const attributes = node.attributes as MaxPoolAttributes & Partial<AvgPoolAttributes>;
    const input = node.inputs[0].type.shape.slice(2);
    const output = node.outputs[0].type.shape.slice(2);
    if (attributes.roundingType === 'floor' || attributes.autoPad !== 'explicit' || !isStatic(input)) continue;
    const padsEnd = attributes.kernel.map((size, axis) => {
      const reach = (size - 1) * (attributes.dilations?.[axis] ?? 1) + 1;
      const end = (output[axis] - 1) * attributes.strides[axis] + reach;
      return Math.max(attributes.padsEnd[axis], end - input[axis] - attributes.padsBegin[axis]);
    });
    // Padding that was not there must not count; where some counts, OpenVINO divides by the whole window anyway.
    const padded = [...attributes.padsBegin, ...attributes.padsEnd].some((pixels) => pixels > 0);
    const excludePad = isAverage ? { excludePad: attributes.excludePad || !padded } : {};
    node.attributes = { ...attributes, padsEnd, roundingType: 'floor', ...excludePad };
  }
}
