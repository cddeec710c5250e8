/**
 * Quantized weights as OpenVINO stores them: a constant of 8-bit codes, converted to float, less the zero
 * point if there is one, times the scale.
 */
import type { GraphNode, GraphValue } from '../../graph/graph.js';
import { NO_ATTRIBUTES } from '../../ops/checks.js';
import { CONVERT } from '../../ops/elementwise/convert.js';
import { MULTIPLY } from '../../ops/elementwise/multiply.js';
import { SUBTRACT } from '../../ops/elementwise/subtract.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { GraphEditor } from './graphEditor.js';

export interface QuantizedWeights {
  /** int8 or uint8. */
  readonly codes: Tensor;
  /** Of the codes' dtype, or float32; shaped as it broadcasts to the codes. Null: zero. */
  readonly zeroPoint: Tensor | null;
  /** float32; shaped as it broadcasts to the codes. */
  readonly scale: Tensor;
}

export interface WeightNames {
  /** Of the codes. */
  readonly codes: string;
  /** Of the result; the parts in between get names below it. */
  readonly result: string;
}

/** Adds the constants and operations that give the weights as float. */
export function addDequantization(
  editor: GraphEditor,
  names: WeightNames,
  { codes, zeroPoint, scale }: QuantizedWeights,
  scope: string,
): GraphValue {
  const toFloat = (name: string, value: GraphValue): GraphValue =>
    value.type.dtype === 'float32'
      ? value
      : editor.operation(CONVERT, `${name}/convert`, [value], { dtype: 'float32' }, scope);
  const { result } = names;
  let value = toFloat(result, editor.constant(names.codes, codes, scope));
  if (zeroPoint) {
    const zero = toFloat(`${result}/zero_point`, editor.constant(`${result}/zero_point`, zeroPoint, scope));
    value = editor.operation(SUBTRACT, `${result}/subtract`, [value, zero], NO_ATTRIBUTES, scope);
  }
  return editor.operation(
    MULTIPLY,
    result,
    [value, editor.constant(`${result}/scale`, scale, scope)],
    NO_ATTRIBUTES,
    scope,
  );
}

/** Quantized weights found in a graph. */
export interface FoundWeights extends QuantizedWeights {
  /** The codes as float, less the zero point: what the scale is multiplied with. */
  readonly unscaled: GraphValue;
  readonly names: WeightNames;
  readonly scope: string;
}

const constantOf = ({ node }: GraphValue): Tensor | null => (node.isConstant ? node.constant.tensor : null);

/** The 8-bit constant behind a conversion to float. */
function codesOf({ node }: GraphValue): GraphNode | null {
  if (node.definition !== CONVERT || node.outputs[0].type.dtype !== 'float32') return null;
  const codes = node.inputs[0].node;
  const { dtype } = node.inputs[0].type;
  return codes.isConstant && (dtype === 'int8' || dtype === 'uint8') ? codes : null;
}

/** The quantized weights that a value is; null if it is anything else. */
export function findDequantization({ node }: GraphValue): FoundWeights | null {
  if (node.definition !== MULTIPLY) return null;
  const scale = constantOf(node.inputs[1]);
  if (scale?.dtype !== 'float32') return null;
  const unscaled = node.inputs[0];
  const shifted = unscaled.node.definition === SUBTRACT ? unscaled.node.inputs : null;
  const codes = codesOf(shifted ? shifted[0] : unscaled);
  const zeroPoint = shifted && (codesOf(shifted[1])?.constant.tensor ?? constantOf(shifted[1]));
  if (!codes || (shifted && !zeroPoint)) return null;
  return {
    codes: codes.constant.tensor,
    zeroPoint,
    scale,
    unscaled,
    names: { codes: codes.name, result: node.name },
    scope: node.scope,
  };
}
