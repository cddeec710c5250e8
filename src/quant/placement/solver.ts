/**
 * Where activation quantizers go. Each quantizable input starts with a quantizer of its own, which then moves
 * up against the data flow, past operations that leave values unchanged, as far as it can; at a branch
 * the quantizers of all branches merge into one where they can agree (NNCF's quantizer propagation).
 *
 * Operators are visited from the outputs to the inputs, so that when one is visited every quantizer below
 * it has come to rest or waits directly under it; each operator is visited once.
 */

import type { GraphNode } from '../../graph/graph.js';
import type { QuantizerConfig } from '../spec.js';
import type { TargetTable } from '../targets/target.js';
import { type ConfigConstraints, constrain, withWidth } from './constraints.js';
import { hasKind } from './fusedPatterns.js';
import { mergeBranches, type PropagationRule } from './mergeRules.js';
import {
  firstNode,
  isDepthwise,
  isResult,
  lastNode,
  type Operator,
  type OperatorInput,
  quantizableInputs,
} from './operators.js';

/** A quantizer on its way. */
export interface PropagatingQuantizer {
  /** Configurations that suit every input it serves, best first. */
  configs: readonly QuantizerConfig[];
  /** The inputs it was created for. */
  sinks: readonly OperatorInput[];
  /** How many operators or branches it moved past. */
  readonly distance: number;
  /** Where it rests: at an input of an operator, or at the output of one. */
  location:
    | { readonly kind: 'input'; readonly input: OperatorInput }
    | { readonly kind: 'output'; readonly operator: Operator };
  /** Quantizers that must share one scale with this one. */
  group: UnifiedScaleGroup | null;
}

/** Quantizers that join at a concat in front of a convolution need one scale. */
export interface UnifiedScaleGroup {
  readonly members: Set<PropagatingQuantizer>;
}

export interface SolverOptions {
  readonly target: TargetTable;
  /** What every quantizer of an activation must be, such as the mode of a preset. */
  readonly constraints: ConfigConstraints;
  readonly rule: PropagationRule;
  /** The width of what a node reads, in place of the one in the constraints. */
  readonly widthOf?: (node: GraphNode) => number | undefined;
}

/** Whether a concat in front of the operation needs one scale for all its inputs. Depthwise convolutions do not mix channels. */
const needsUnifiedScale = (operator: Operator): boolean =>
  hasKind(firstNode(operator).type, 'linear') && !isDepthwise(operator);

class Solver {
  readonly #options: SolverOptions;
  /** Quantizers directly in front of an input, or resting further down the same branch. */
  readonly #under = new Map<OperatorInput, PropagatingQuantizer>();
  readonly #active = new Set<PropagatingQuantizer>();
  /** Operators from which an output of the model is reached through operations that leave values unchanged. */
  readonly #reachesOutput = new Set<Operator>();
  /** Operators from which a weighted operation is reached in the same way. */
  readonly #feedsWeights = new Set<Operator>();

  constructor(options: SolverOptions) {
    this.#options = options;
  }

  run(operators: readonly Operator[]): PropagatingQuantizer[] {
    for (const operator of operators) this.#seed(operator);
    for (const operator of [...operators].reverse()) this.#visit(operator);
    return [...this.#active].filter((quantizer) => !this.#servesOnlyOneConstantOperation(quantizer));
  }

  #seed(operator: Operator): void {
    if (operator.trait !== 'inputsQuantizable') return;
    const inputs = quantizableInputs(operator);
    if (inputs.length === 0) return;
    const allowed = this.#choices(operator);
    const unified = this.#isUnified(operator);
    const configs = unified ? allowed.filter(({ perChannel }) => !perChannel) : allowed;
    if (configs.length === 0) return;
    const group = unified ? { members: new Set<PropagatingQuantizer>() } : null;
    for (const input of inputs)
      this.#place({ configs, sinks: [input], distance: 0, location: { kind: 'input', input }, group });
  }

  /** Configurations that suit an operator's inputs. */
  #choices(operator: Operator): readonly QuantizerConfig[] {
    const { target, widthOf } = this.#options;
    const { name, type } = firstNode(operator);
    const constraints = withWidth(this.#options.constraints, widthOf?.(firstNode(operator)));
    const where = { node: name, kind: 'activations', target: target.name } as const;
    if (isResult(operator)) return constrain('any', constraints, where);
    const support = target.operations[type];
    const depthwise = isDepthwise(operator) ? support?.depthwise?.activations : undefined;
    return constrain(depthwise ?? support?.activations ?? [], constraints, where);
  }

  /** Whether the table wants one scale for all inputs. */
  #isUnified = (operator: Operator): boolean =>
    this.#options.target.operations[firstNode(operator).type]?.unifiedScales === true;

  /** Whether a weighted operation is reached from the operator, past what keeps values or joins them on one scale. */
  #leadsOn = (operator: Operator): boolean =>
    (passesValues(operator) || this.#isUnified(operator)) && this.#feedsWeights.has(operator);

  #place(quantizer: PropagatingQuantizer): void {
    this.#active.add(quantizer);
    quantizer.group?.members.add(quantizer);
    if (quantizer.location.kind === 'input') this.#under.set(quantizer.location.input, quantizer);
  }

  #remove(quantizer: PropagatingQuantizer): void {
    this.#active.delete(quantizer);
    quantizer.group?.members.delete(quantizer);
    if (quantizer.location.kind === 'input') this.#under.delete(quantizer.location.input);
  }

  #visit(operator: Operator): void {
    const readers = operator.consumers.map((input) => input.operator);
    if (operator.isOutput || readers.some((reader) => passesValues(reader) && this.#reachesOutput.has(reader)))
      this.#reachesOutput.add(operator);
    if (readers.some((reader) => needsUnifiedScale(reader) || this.#leadsOn(reader))) this.#feedsWeights.add(operator);
    const arrived = this.#mergeBelow(operator);
    if (arrived && canPass(operator)) this.#moveThrough(operator, arrived);
  }

  /** Brings the quantizers of all branches under an operator to its output, as one. Null if they stay where they are. */
  #mergeBelow(operator: Operator): PropagatingQuantizer | null {
    const branches = operator.consumers;
    if (branches.length === 0 || operator.isOutput || this.#reachesOutput.has(operator)) return null;
    // An operator with several outputs has no one place for a quantizer behind it.
    if (lastNode(operator).outputs.length > 1 && !canPass(operator)) return null;
    const waiting = branches.map((input) => this.#under.get(input));
    const quantizers = waiting.filter((quantizer) => quantizer !== undefined);
    if (quantizers.length !== branches.length) return null;
    const branching = branches.length > 1;
    const merge = branching
      ? mergeBranches(
          quantizers.map(({ configs }) => configs),
          this.#options.rule,
        )
      : { configs: quantizers[0].configs, kept: new Set<number>() };
    if (!merge) return null;
    const replaced = quantizers.filter((_, index) => !merge.kept.has(index));
    const groups = new Set(replaced.map((quantizer) => quantizer.group).filter((group) => group !== null));
    for (const quantizer of replaced) this.#remove(quantizer);
    const merged: PropagatingQuantizer = {
      configs: merge.configs,
      sinks: [...new Set(quantizers.flatMap((quantizer) => quantizer.sinks))],
      distance: Math.max(...quantizers.map((quantizer) => quantizer.distance)) + (branching ? 1 : 0),
      location: { kind: 'output', operator },
      group: joinGroups(groups),
    };
    this.#place(merged);
    return merged;
  }

  /** Moves a quantizer from an operator's output to its data inputs, one copy for each. */
  #moveThrough(operator: Operator, quantizer: PropagatingQuantizer): void {
    const inputs = quantizableInputs(operator);
    this.#remove(quantizer);
    const unify = this.#isUnified(operator) && inputs.length > 1 && this.#feedsWeights.has(operator);
    const group = quantizer.group ?? (unify ? { members: new Set<PropagatingQuantizer>() } : null);
    const configs = unify ? quantizer.configs.filter((config) => !config.perChannel) : quantizer.configs;
    for (const input of inputs) {
      this.#place({
        configs,
        sinks: quantizer.sinks,
        distance: quantizer.distance + 1,
        location: { kind: 'input', input },
        group,
      });
    }
  }

  /** A quantizer that only serves an operation with a constant operand is not worth its cost there. */
  #servesOnlyOneConstantOperation({ sinks, distance }: PropagatingQuantizer): boolean {
    if (sinks.length !== 1 || distance > 0) return false;
    const { operator } = sinks[0];
    return ELEMENTWISE.has(firstNode(operator).type) && quantizableInputs(operator).length === 1;
  }
}

const ELEMENTWISE = new Set([
  ...['Add', 'Subtract', 'Multiply', 'Divide', 'Maximum', 'Minimum', 'FloorMod', 'SquaredDifference'],
  ...['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual', 'LogicalAnd', 'LogicalOr'],
]);

const ignoredPorts = (operator: Operator): readonly number[] =>
  firstNode(operator).definition.quantization?.ignoredPorts ?? [];

const passesValues = ({ trait }: Operator): boolean => trait === 'quantizationAgnostic' || trait === 'concat';

/** Whether a quantizer can move from the operator's output to its inputs. */
function canPass(operator: Operator): boolean {
  const dataInputs = operator.inputs.filter(({ use }) => !ignoredPorts(operator).includes(use.port)).length;
  return passesValues(operator) && dataInputs > 0 && quantizableInputs(operator).length === dataInputs;
}

export function joinGroups(groups: ReadonlySet<UnifiedScaleGroup>): UnifiedScaleGroup | null {
  const [first, ...rest] = groups;
  if (!first) return null;
  for (const other of rest) {
    for (const member of other.members) {
      member.group = first;
      first.members.add(member);
    }
    other.members.clear();
  }
  return first;
}

/** Finds where activation quantizers go and how each may be configured. `operators` are in execution order. */
export function placeActivationQuantizers(
  operators: readonly Operator[],
  options: SolverOptions,
): PropagatingQuantizer[] {
  return new Solver(options).run(operators);
}
