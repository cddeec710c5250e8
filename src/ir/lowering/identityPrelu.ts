/**
 * A PReLU with slope 1: it changes nothing, but OpenVINO's low-precision transformations do not move a zero point past
 * it, and it takes part in fusions. The lowering passes that need either put it where OpenVINO would go wrong.
 */
import type { GraphNode, GraphValue } from '../../graph/graph.js';
import { NO_ATTRIBUTES } from '../../ops/checks.js';
import { PRELU } from '../../ops/elementwise/prelu.js';
import { hostTensor } from '../hostTensor.js';
import type { GraphEditor } from './graphEditor.js';

/** The value after a PReLU that changes nothing, for use by `user`. */
export function identityPrelu(editor: GraphEditor, value: GraphValue, { name, scope }: GraphNode): GraphValue {
  const slope = editor.constant(`${name}/slope`, hostTensor(Float32Array.of(1), [1]), scope);
  return editor.operation(PRELU, `${name}/identity`, [value, slope], NO_ATTRIBUTES, scope);
}
