/** The whole of placement: which weights and which values of a graph get a quantizer, and of what kind. */

import { UnsupportedError } from '../../errors.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { type QuantizerTarget, quantizerName, weightsOf } from '../quantizer.js';
import type { QuantizerConfig } from '../spec.js';
import type { ConfigChoice, TargetTable } from '../targets/target.js';
import { buildOperators, firstNode, isDepthwise, lastNode, type Operator } from './operators.js';
import { dropRedundant } from './redundant.js';
import { type PropagationRule, placeActivationQuantizers, type UnifiedScaleGroup } from './solver.js';

export interface PlacementOptions {
  readonly target: TargetTable;
  readonly ignored: ReadonlySet<GraphNode>;
  /** Whether activations may be symmetric, asymmetric, or both (best first, as the table has them). */
  readonly activationMode: 'symmetric' | 'asymmetric';
  readonly bits: { readonly weights: number; readonly activations: number };
  /** Default: mergeAllInOne. */
  readonly rule?: PropagationRule;
}

/** A weight quantizer to be made. */
export interface WeightPlacement {
  readonly target: QuantizerTarget;
  readonly config: QuantizerConfig;
  /** The constant that holds the weights. */
  readonly weights: GraphNode;
  /** The axis of output channels in the weights. */
  readonly channelAxis: number;
  readonly operator: Operator;
}

/** An activation quantizer to be made. */
export interface ActivationPlacement {
  readonly target: QuantizerTarget;
  readonly config: QuantizerConfig;
  readonly group: UnifiedScaleGroup | null;
}

export interface Placement {
  readonly operators: readonly Operator[];
  readonly weights: readonly WeightPlacement[];
  readonly activations: readonly ActivationPlacement[];
}

export function placeQuantizers(graph: Graph, options: PlacementOptions): Placement {
  const operators = buildOperators(graph, options.target, options.ignored);
  const activations = dropRedundant(
    placeActivationQuantizers(operators, {
      target: options.target,
      allow: ({ mode }) => mode === options.activationMode,
      bits: options.bits.activations,
      rule: options.rule ?? 'mergeAllInOne',
    }),
  ).map(({ configs, location, group }): ActivationPlacement => {
    const target: QuantizerTarget =
      location.kind === 'output'
        ? { point: 'output', node: lastNode(location.operator).name, port: 0 }
        : { point: 'input', node: location.input.use.node.name, port: location.input.use.port };
    return { target, config: configs[0], group };
  });
  const order = new Map(graph.nodes.map((node, index) => [node.name, index]));
  activations.sort(
    (a, b) => (order.get(a.target.node) ?? 0) - (order.get(b.target.node) ?? 0) || a.target.port - b.target.port,
  );
  return { operators, weights: placeWeights(operators, options), activations };
}

/** One quantizer for each constant that an operation uses as weights; shared weights get one. */
function placeWeights(operators: readonly Operator[], { target, bits }: PlacementOptions): WeightPlacement[] {
  const placed = new Map<GraphNode, WeightPlacement>();
  for (const operator of operators) {
    const node = firstNode(operator);
    const choices = target.operations[node.type]?.weights;
    const traits = node.definition.quantization?.weights;
    if (operator.trait !== 'inputsQuantizable' || !choices || !traits) continue;
    for (const port of weightPorts(node, traits.port)) {
      const weights = weightsOf(node, port);
      if (!weights || placed.has(weights)) continue;
      const { shape } = weights.outputs[0].type;
      if (node.type.startsWith('Group') && shape.length !== 4) {
        throw new UnsupportedError(
          'GROUPED_WEIGHTS',
          `'${node.name}': weights of shape [${shape}] of a grouped convolution cannot be quantized; keep them with four axes and reshape them.`,
        );
      }
      const channelAxis = port === traits.port ? traits.channelAxis(node.attributes, shape) : shape.length - 2;
      placed.set(weights, {
        target: { point: 'weights', node: node.name, port },
        config: weightConfig(choices, bits.weights, shape.length),
        weights,
        channelAxis: Math.max(channelAxis, 0),
        operator,
      });
    }
  }
  return [...placed.values()];
}

/** A matrix product may have its constant on either side. */
const weightPorts = (node: GraphNode, port: number): number[] => (node.type === 'MatMul' ? [1, 0] : [port]);

function weightConfig(choices: readonly ConfigChoice[], bits: number, rank: number): QuantizerConfig {
  const choice = choices.find(({ perChannel }) => perChannel === rank > 1) ?? choices[0];
  return { ...choice, bits, narrowRange: choice.mode === 'symmetric' };
}

/**
 * Convolutions that read an input of the model through nothing but operations without weights of their own
 * kind: the first quantized convolution on each way from an input. Depthwise ones and matrix products are passed.
 */
export function firstConvolutions(operators: readonly Operator[]): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const seen = new Set<Operator>();
  const queue = operators.filter((operator) => firstNode(operator).isParameter);
  for (let operator = queue.shift(); operator; operator = queue.shift()) {
    if (seen.has(operator)) continue;
    seen.add(operator);
    const node = firstNode(operator);
    const convolution =
      node.type.includes('Convolution') && !isDepthwise(operator) && operator.trait === 'inputsQuantizable';
    if (convolution) found.add(node);
    else queue.push(...operator.consumers.map((input) => input.operator));
  }
  return found;
}

/** The name a placement's quantizer will have. */
export const placementName = ({ target }: { readonly target: QuantizerTarget }): string => quantizerName(target);
