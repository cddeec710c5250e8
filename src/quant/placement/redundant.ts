/** Removes a quantizer whose values another one has already put on the same grid (NNCF's redundant quantizer merging). */
import { sameConfig } from '../spec.js';
import type { Operator, OperatorInput } from './operators.js';
import { joinGroups, type PropagatingQuantizer } from './solver.js';

/** Quantizers of the configuration they would get, without those that add nothing to the one above them. */
export function dropRedundant(quantizers: readonly PropagatingQuantizer[]): PropagatingQuantizer[] {
  const atOutput = new Map<Operator, PropagatingQuantizer>();
  const atInput = new Map<OperatorInput, PropagatingQuantizer>();
  for (const quantizer of quantizers) {
    if (quantizer.location.kind === 'output') atOutput.set(quantizer.location.operator, quantizer);
    else atInput.set(quantizer.location.input, quantizer);
  }
  /** The nearest quantizer above an operator's output, past operations that leave values unchanged. */
  const above = (operator: Operator): PropagatingQuantizer | null => {
    let current = operator;
    for (;;) {
      const own = atOutput.get(current);
      if (own) return own;
      if (current.trait !== 'quantizationAgnostic' || current.inputs.length !== 1) return null;
      const [input] = current.inputs;
      const inFront = atInput.get(input);
      if (inFront) return inFront;
      current = input.producer;
    }
  };
  return quantizers.filter((quantizer) => {
    const { location, group } = quantizer;
    if (location.kind === 'output' && location.operator.trait !== 'quantizationAgnostic') return true;
    const upper =
      location.kind === 'input'
        ? above(location.input.producer)
        : location.operator.inputs.length === 1
          ? above(location.operator.inputs[0].producer)
          : null;
    if (!upper || upper === quantizer || !covers(upper, quantizer)) return true;
    // The one above takes its place, also in what shares its scale.
    upper.sinks = [...new Set([...upper.sinks, ...quantizer.sinks])];
    if (group) {
      group.members.delete(quantizer);
      upper.group = joinGroups(new Set([group, ...(upper.group ? [upper.group] : [])]));
      upper.group?.members.add(upper);
    }
    return false;
  });
}

/** Whether the grid of `upper` makes `lower` superfluous. */
function covers(upper: PropagatingQuantizer, lower: PropagatingQuantizer): boolean {
  const [a] = upper.configs;
  const [b] = lower.configs;
  return (
    a.bits === b.bits &&
    a.narrowRange === b.narrowRange &&
    (a.mode === b.mode || (a.mode === 'symmetric' && b.mode === 'asymmetric')) &&
    (sameConfig(a, { ...b, mode: a.mode }) || (!a.perChannel && b.perChannel))
  );
}
