/** The whole of placement: which weights and which values of a graph get a quantizer, and of what kind. */

import type { Graph, GraphNode } from '../../graph/graph.js';
import { DYNAMIC } from '../../tensor/shape.js';
import type { LayerWidths } from '../layerBits.js';
import { type QuantizerTarget, quantizerName, weightsOf } from '../quantizer.js';
import { type QuantizerConfig, sameConfig } from '../spec.js';
import type { TargetTable } from '../targets/target.js';
import type { ConfigConstraints } from './constraints.js';
import { attentionNodes, squeezeExciteNodes } from './ignoredPatterns.js';
import type { PropagationRule } from './mergeRules.js';
import { buildOperators, firstNode, isDepthwise, isResult, lastNode, type Operator } from './operators.js';
import { type FloatReason, floatReasons } from './reasons.js';
import { dropRedundant } from './redundant.js';
import { unquantizedOperands } from './residualAdds.js';
import { joinGroups, type PropagatingQuantizer, placeActivationQuantizers, type UnifiedScaleGroup } from './solver.js';
import { namedReaders, type WeightCandidate, type WeightReader, weightCandidates } from './weights.js';

export interface PlacementOptions {
  readonly target: TargetTable;
  readonly ignored: ReadonlySet<GraphNode>;
  /** Whether activations are symmetric or asymmetric. */
  readonly activationMode: 'symmetric' | 'asymmetric';
  /** Widths; others than 8 take the place of the tables' 8. */
  readonly bits: { readonly weights: number; readonly activations: number };
  /** Widths of single layers in place of these. */
  readonly layerWidths?: LayerWidths;
  /** What quantizers must be besides. They override the modes. */
  readonly constraints?: { readonly weights?: ConfigConstraints; readonly activations?: ConfigConstraints };
  /** Default: mergeAllInOne. */
  readonly rule?: PropagationRule;
  /** Whether results of the graph get quantizers. Default: false. */
  readonly quantizeOutputs?: boolean;
  /** Whether the model is a transformer: more stays in float, and products of activations are symmetric. Default: false. */
  readonly transformer?: boolean;
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
  /** Activations with which they must share one scale. */
  readonly group: UnifiedScaleGroup | null;
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
  /** Why operations that could be quantized may have inputs in float, by the first node of the operator. */
  readonly reasons: ReadonlyMap<GraphNode, FloatReason>;
}

/** @throws ValidationError `HARDWARE_CONFLICT` naming the first operation that cannot be quantized as the options want. */
export function placeQuantizers(graph: Graph, options: PlacementOptions): Placement {
  const { target, transformer = false, quantizeOutputs = false } = options;
  // NNCF has the pattern of attentions for all targets but this.
  const attention = transformer && !target.oneQuantizerAtAdd ? attentionNodes(graph) : new Set<GraphNode>();
  const squeezeExcite = squeezeExciteNodes(graph);
  const transformerTypes = transformer ? target.transformerIgnored : [];
  const operators = buildOperators(graph, target, new Set([...options.ignored, ...squeezeExcite, ...attention]), {
    ...{ quantizeOutputs, ignoredTypes: transformerTypes },
  });
  const { layerWidths } = options;
  const candidates = weightCandidates(
    operators,
    target,
    { ...{ mode: 'symmetric', width: options.bits.weights }, ...options.constraints?.weights },
    (node, weights) => layerWidths?.ofWeights(node, weights),
  );
  const solved = placeActivationQuantizers(operators, {
    target,
    constraints: { mode: options.activationMode, width: options.bits.activations, ...options.constraints?.activations },
    rule: options.rule ?? 'mergeAllInOne',
    widthOf: (node) => layerWidths?.of(node, 'activations'),
  });
  layerWidths?.checkUsed();
  const picked = mergePicked(solved, candidates);
  const kept = dropRedundant(solved.filter((quantizer) => !picked.replaced.has(quantizer)));
  const weights = placeWeights(graph, candidates, picked);
  let placed = kept.map((quantizer) => ({ ...activationPlacement(graph, quantizer), quantizer }));
  let residualAdds: ReadonlySet<GraphNode> = new Set();
  if (target.oneQuantizerAtAdd) {
    const atOutput = new Set(placed.flatMap(({ target: { point, node } }) => (point === 'output' ? [node] : [])));
    const { operands, additions } = unquantizedOperands(graph, (node) => atOutput.has(node.name));
    residualAdds = additions;
    const names = new Set([...operands].map(({ name }) => name));
    placed = placed.filter(({ target: { point, node } }) => point !== 'output' || !names.has(node));
  }
  const symmetric = transformer ? productsOfActivations(kept) : new Set();
  const order = new Map(graph.nodes.map((node, index) => [node.name, index]));
  const position = ({ point, node }: QuantizerTarget): number =>
    point === 'result' ? graph.nodes.length : (order.get(node) ?? 0);
  const activations = placed
    .map(({ quantizer, config, ...rest }) => ({
      ...rest,
      config: symmetric.has(quantizer) ? { ...config, mode: 'symmetric' as const } : config,
    }))
    .sort((a, b) => position(a.target) - position(b.target) || a.target.port - b.target.port);
  const reasons = floatReasons(operators, {
    ...{ ignoredScope: options.ignored, squeezeExcite, attention, transformerTypes, residualAdds },
  });
  return { operators, weights, activations, reasons };
}

/** Quantizers in front of products of two activations, and those that share a scale with one; NNCF makes them symmetric. */
function productsOfActivations(quantizers: readonly PropagatingQuantizer[]): Set<PropagatingQuantizer> {
  const isProduct = (operator: Operator): boolean => {
    const node = firstNode(operator);
    return node.type === 'MatMul' && !weightsOf(node, 0) && !weightsOf(node, 1);
  };
  const found = quantizers.filter(({ sinks }) => sinks.some(({ operator }) => isProduct(operator)));
  return new Set(found.flatMap((quantizer) => [quantizer, ...(quantizer.group?.members ?? [])]));
}

function activationPlacement(graph: Graph, { configs, location, group }: PropagatingQuantizer): ActivationPlacement {
  const value =
    location.kind === 'output'
      ? lastNode(location.operator).outputs[0]
      : location.input.use.node.inputs[location.input.use.port];
  // A quantizer that came through a reshape may stand where there is no channel axis of known size.
  const { shape } = value.type;
  const hasChannels = shape.length > 1 && shape[1] !== DYNAMIC;
  const config = configs.find(({ perChannel }) => !perChannel || hasChannels) ?? { ...configs[0], perChannel: false };
  return { target: activationTarget(graph, location), config, group };
}

function activationTarget(graph: Graph, location: PropagatingQuantizer['location']): QuantizerTarget {
  if (location.kind === 'output') {
    const [value] = lastNode(location.operator).outputs;
    const target = { point: 'output', node: value.node.name, port: 0 } as const;
    return graph.outputs.some((output) => output.value === value) ? { ...target, results: true } : target;
  }
  const { node, port } = location.input.use;
  if (!isResult(location.input.operator)) return { point: 'input', node: node.name, port };
  return { point: 'result', node: node.name, port: node.inputs[0].index };
}

/** Quantizers behind operations that pick from their weights, which the weights' own make superfluous. */
interface Picked {
  readonly replaced: ReadonlySet<PropagatingQuantizer>;
  /** The configurations that the weights then have, and the scale that they share. */
  readonly weights: ReadonlyMap<
    WeightCandidate,
    { readonly configs: readonly QuantizerConfig[]; readonly group: UnifiedScaleGroup | null }
  >;
}

/** Whether weights of this configuration serve an activation's quantizer; its sign may be either. */
const serves = (weights: QuantizerConfig, activation: QuantizerConfig): boolean =>
  sameConfig(weights, activation) ||
  (activation.signednessToForce === undefined && sameConfig({ ...weights, signednessToForce: undefined }, activation));

function mergePicked(quantizers: readonly PropagatingQuantizer[], candidates: readonly WeightCandidate[]): Picked {
  const candidateOf = new Map(
    candidates.flatMap((candidate) => candidate.readers.map(({ operator }) => [operator, candidate] as const)),
  );
  const replaced = new Set<PropagatingQuantizer>();
  const weights = new Map<
    WeightCandidate,
    { readonly configs: readonly QuantizerConfig[]; readonly group: UnifiedScaleGroup | null }
  >();
  for (const quantizer of quantizers) {
    const { location, group } = quantizer;
    if (location.kind !== 'output' || location.operator.trait !== 'outputQuantizationAsWeights') continue;
    const candidate = candidateOf.get(location.operator);
    if (!candidate) continue;
    const members = group ? [...group.members] : [quantizer];
    const known = weights.get(candidate);
    const common = (known?.configs ?? candidate.configs).filter(
      (config) =>
        !config.perChannel && members.every(({ configs }) => configs.some((activation) => serves(config, activation))),
    );
    if (common.length === 0) continue;
    for (const member of members) member.configs = common;
    group?.members.delete(quantizer);
    const joined = joinGroups(new Set([known?.group, group].filter((item) => item !== null && item !== undefined)));
    weights.set(candidate, { configs: common, group: joined });
    replaced.add(quantizer);
  }
  return { replaced, weights };
}

/** One quantizer for each constant that operations use as weights, whatever their number. */
function placeWeights(graph: Graph, candidates: readonly WeightCandidate[], picked: Picked): WeightPlacement[] {
  const readers = namedReaders(graph, candidates);
  return candidates.map((candidate) => {
    const [{ operator, port }] = candidate.readers;
    const merged = picked.weights.get(candidate);
    const names = readers.get(candidate);
    return {
      target: {
        ...{ point: 'weights' as const, node: firstNode(operator).name, port },
        ...(names ? { readers: names } : {}),
      },
      config: (merged?.configs ?? candidate.configs)[0],
      weights: candidate.weights,
      channelAxis: candidate.channelAxis,
      readers: candidate.readers,
      group: merged?.group ?? null,
    };
  });
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
