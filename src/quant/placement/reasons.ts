/** Why an operation that the hardware could run in integers has inputs in float. Every such operation has a reason. */
import type { GraphNode } from '../../graph/graph.js';
import { ELEMENTWISE } from '../targets/cpu.js';
import { firstNode, type Operator, quantizableInputs } from './operators.js';

export type FloatReason =
  /** The user's `ignoredScope` names it. */
  | 'ignoredScope'
  /** It is inside a squeeze-and-excite block. */
  | 'squeezeExcite'
  /** It is the product of an attention's weights and values, or what leads to it. */
  | 'attention'
  /** Operations of its type stay in float in a transformer. */
  | 'transformer'
  /** Its other operand is constant, and nothing else gains from a quantizer. */
  | 'constantOperand'
  /** It is a sum of which the target wants one operand in float. */
  | 'residualAdd';

/** What was left out, and by which rule. */
export interface LeftOut {
  readonly ignoredScope: ReadonlySet<GraphNode>;
  readonly squeezeExcite: ReadonlySet<GraphNode>;
  readonly attention: ReadonlySet<GraphNode>;
  /** Types that stay in float where an operator begins with one. */
  readonly transformerTypes: readonly string[];
  readonly residualAdds: ReadonlySet<GraphNode>;
}

/** The reasons by the first operation of each operator that may have inputs in float. */
export function floatReasons(operators: readonly Operator[], left: LeftOut): Map<GraphNode, FloatReason> {
  const reasonOf = (operator: Operator): FloatReason | null => {
    const node = firstNode(operator);
    if (left.ignoredScope.has(node)) return 'ignoredScope';
    if (left.squeezeExcite.has(node)) return 'squeezeExcite';
    if (left.attention.has(node)) return 'attention';
    if (left.transformerTypes.includes(node.type)) return 'transformer';
    if (left.residualAdds.has(node)) return 'residualAdd';
    return ELEMENTWISE.includes(node.type) && quantizableInputs(operator).length === 1 ? 'constantOperand' : null;
  };
  return new Map(
    operators.flatMap((operator) => {
      const reason = reasonOf(operator);
      return reason ? [[firstNode(operator), reason] as const] : [];
    }),
  );
}
