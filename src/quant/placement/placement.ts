/** The whole of placement: which weights and which values of a graph get a quantizer, and of what kind. */

import { UnsupportedError } from '../../errors.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { DYNAMIC, sameShape } from '../../tensor/shape.js';
import { type QuantizerTarget, quantizerName, weightsOf } from '../quantizer.js';
import { type QuantizerConfig, sameConfig } from '../spec.js';
import type { ConfigChoice, TargetTable } from '../targets/target.js';
import { squeezeExciteNodes } from './ignoredPatterns.js';
import { buildOperators, firstNode, isDepthwise, lastNode, type Operator } from './operators.js';
import { dropRedundant } from './redundant.js';
import {
  type PropagatingQuantizer,
  type PropagationRule,
  placeActivationQuantizers,
  type UnifiedScaleGroup,
} from './solver.js';

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
  /** The axis of output channels in the weights, where each has a scale of its own. */
  readonly channelAxis: number;
  /** The operations that use them, the target's first. */
  readonly readers: readonly WeightReader[];
}

export interface WeightReader {
  readonly operator: Operator;
  readonly port: number;
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
  const ignored = new Set([...options.ignored, ...squeezeExciteNodes(graph)]);
  const operators = buildOperators(graph, options.target, ignored);
  const quantizers = dropRedundant(
    placeActivationQuantizers(operators, {
      target: options.target,
      allow: ({ mode }) => mode === options.activationMode,
      bits: options.bits.activations,
      rule: options.rule ?? 'mergeAllInOne',
    }),
  );
  const behind = new Map(
    quantizers.flatMap((quantizer) =>
      quantizer.location.kind === 'output' ? [[quantizer.location.operator, quantizer] as const] : [],
    ),
  );
  const weights = placeWeights(graph, operators, behind, options);
  const picked = new Map(
    weights.flatMap(({ config, readers }) => readers.map(({ operator }) => [operator, config] as const)),
  );
  const activations = quantizers.map(activationPlacement).filter(({ target, config, group }, index) => {
    const { location } = quantizers[index];
    if (target.point !== 'output' || group || location.kind !== 'output') return true;
    const { operator } = location;
    const weightsConfig = operator.trait === 'outputQuantizationAsWeights' ? picked.get(operator) : undefined;
    return !weightsConfig || !sameConfig(weightsConfig, config);
  });
  const order = new Map(graph.nodes.map((node, index) => [node.name, index]));
  activations.sort(
    (a, b) => (order.get(a.target.node) ?? 0) - (order.get(b.target.node) ?? 0) || a.target.port - b.target.port,
  );
  return { operators, weights, activations };
}

function activationPlacement({ configs, location, group }: PropagatingQuantizer): ActivationPlacement {
  const value =
    location.kind === 'output'
      ? lastNode(location.operator).outputs[0]
      : location.input.use.node.inputs[location.input.use.port];
  const target: QuantizerTarget =
    location.kind === 'output'
      ? { point: 'output', node: value.node.name, port: 0 }
      : { point: 'input', node: location.input.use.node.name, port: location.input.use.port };
  // A quantizer that came through a reshape may stand where there is no channel axis of known size.
  const { shape } = value.type;
  const hasChannels = shape.length > 1 && shape[1] !== DYNAMIC;
  const config = configs.find(({ perChannel }) => !perChannel || hasChannels) ?? { ...configs[0], perChannel: false };
  return { target, config, group };
}

/** One quantizer for each constant that operations use as weights, whatever their number. */
function placeWeights(
  graph: Graph,
  operators: readonly Operator[],
  behind: ReadonlyMap<Operator, PropagatingQuantizer>,
  options: PlacementOptions,
): WeightPlacement[] {
  const placed = new Map<GraphNode, WeightPlacement & { readonly readers: WeightReader[] }>();
  for (const operator of operators) {
    const node = firstNode(operator);
    const choices = options.target.operations[node.type]?.weights;
    const traits = node.definition.quantization?.weights;
    const quantized = operator.trait === 'inputsQuantizable' || operator.trait === 'outputQuantizationAsWeights';
    if (!quantized || !choices || !traits) continue;
    for (const port of weightPorts(node, traits.port)) {
      const weights = weightsOf(node, port);
      if (!weights) continue;
      const known = placed.get(weights);
      if (known) {
        known.readers.push({ operator, port });
        continue;
      }
      const { shape } = weights.outputs[0].type;
      placed.set(weights, {
        target: { point: 'weights', node: node.name, port },
        config:
          pickedConfig(operator, behind, options) ?? weightConfig(choices, options.bits.weights, node, port, shape),
        weights,
        channelAxis: Math.max(channelAxis(node, port, shape), 0),
        readers: [{ operator, port }],
      });
    }
  }
  return withOtherReaders(graph, [...placed.values()]);
}

/** Names the readers of weights of which some stay in float, such as an ignored layer that shares them. */
function withOtherReaders(graph: Graph, placements: readonly WeightPlacement[]): WeightPlacement[] {
  const uses = graph.uses();
  return placements.map((placement) => {
    const quantized = new Set(placement.readers.map(({ operator, port }) => directReader(firstNode(operator), port)));
    const readers = (uses.get(placement.weights.outputs[0]) ?? []).map(({ node }) => node);
    if (readers.every((node) => quantized.has(node))) return placement;
    return { ...placement, target: { ...placement.target, readers: [...quantized].map(({ name }) => name) } };
  });
}

/** The node that reads the weights themselves: the operation, or the first of the reshapes in front of it. */
function directReader(node: GraphNode, port: number): GraphNode {
  const source = node.inputs[port].node;
  return source.isConstant ? node : directReader(source, 0);
}

/** The configuration of the quantizer behind an operation that picks from its weights, where weights can have it too. */
function pickedConfig(
  operator: Operator,
  behind: ReadonlyMap<Operator, PropagatingQuantizer>,
  { bits }: PlacementOptions,
): QuantizerConfig | undefined {
  if (operator.trait !== 'outputQuantizationAsWeights' || bits.weights !== bits.activations) return undefined;
  const quantizer = behind.get(operator);
  if (!quantizer || quantizer.group) return undefined;
  return quantizer.configs.find(({ mode, perChannel }) => mode === 'symmetric' && !perChannel);
}

function channelAxis(node: GraphNode, port: number, shape: readonly number[]): number {
  const traits = node.definition.quantization?.weights;
  if (node.type.startsWith('Group') && shape.length !== 4) {
    throw new UnsupportedError(
      'GROUPED_WEIGHTS',
      `'${node.name}': weights of shape [${shape}] of a grouped convolution cannot be quantized; keep them with four axes and reshape them.`,
    );
  }
  return port === traits?.port ? traits.channelAxis(node.attributes, shape) : 0;
}

/** A matrix product may have its constant on either side. */
const weightPorts = (node: GraphNode, port: number): number[] => (node.type === 'MatMul' ? [1, 0] : [port]);

function weightConfig(
  choices: readonly ConfigChoice[],
  bits: number,
  node: GraphNode,
  port: number,
  shape: readonly number[],
): QuantizerConfig {
  // Grouped convolutions split an axis of their weights and keep the channels; other reshapes may mix them.
  const keepsChannels = node.type.startsWith('Group') || sameShape(node.inputs[port].type.shape, shape);
  // OpenVINO's CPU plugin does not compile a scale for each row of the left operand of a matrix product.
  const channels = shape.length > 1 && keepsChannels && port === node.definition.quantization?.weights?.port;
  const choice = choices.find(({ perChannel }) => perChannel === channels) ?? choices[0];
  return { ...choice, bits, narrowRange: choice.mode === 'symmetric' };
}

/**
 * The quantized convolutions that overflow protection is for by default: the first on each way from an input of the
 * model. Ways lead through everything else, including depthwise and transposed convolutions and matrix products.
 */
export function firstConvolutions(operators: readonly Operator[]): Set<Operator> {
  const found = new Set<Operator>();
  const seen = new Set<Operator>();
  const queue = operators.filter((operator) => firstNode(operator).isParameter);
  for (let operator = queue.pop(); operator; operator = queue.pop()) {
    if (seen.has(operator)) continue;
    seen.add(operator);
    const { type } = firstNode(operator);
    const convolution = (type === 'Convolution' || type === 'GroupConvolution') && !isDepthwise(operator);
    if (convolution && operator.trait === 'inputsQuantizable') found.add(operator);
    else queue.push(...operator.consumers.map((input) => input.operator));
  }
  return found;
}

/** The name a placement's quantizer will have. */
export const placementName = ({ target }: { readonly target: QuantizerTarget }): string => quantizerName(target);
