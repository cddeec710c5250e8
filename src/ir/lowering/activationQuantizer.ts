/** An activation quantizer as OpenVINO's FakeQuantize, whose output range is its input range. */
import type { GraphNode, GraphValue } from '../../graph/graph.js';
import { FAKE_QUANTIZE } from '../../ops/quantization/openvinoFakeQuantize.js';
import type { Quantizer } from '../../quant/quantizer.js';
import { quantizerGrid } from '../../quant/quantizerGrid.js';
import { hostTensor } from '../hostTensor.js';
import type { GraphEditor } from './graphEditor.js';

/** Adds the operation; `node` is the quantizer's, whose name it takes. */
export async function activationQuantizer(
  editor: GraphEditor,
  quantizer: Quantizer,
  node: GraphNode,
): Promise<GraphValue> {
  const { low, high, levels, shape } = await quantizerGrid(quantizer);
  const limit = (name: string, values: Float32Array): GraphValue =>
    editor.constant(`${node.name}/${name}`, hostTensor(values, shape), node.scope);
  const limits = [
    limit('input_low', low),
    limit('input_high', high),
    limit('output_low', low),
    limit('output_high', high),
  ];
  return editor.operation(FAKE_QUANTIZE, node.name, [node.inputs[0], ...limits], { levels }, node.scope);
}
