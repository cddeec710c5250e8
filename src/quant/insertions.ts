/** From a placement and what calibration saw to quantizers with their parameters. */
import { noGrad } from '../autograd/gradMode.js';
import { UnsupportedError, ValidationError } from '../errors.js';
import type { Graph, GraphNode, GraphValue } from '../graph/graph.js';
import { asymmetricFakeQuantize } from '../ops/quantization/asymmetricFakeQuantize.js';
import { symmetricFakeQuantize } from '../ops/quantization/symmetricFakeQuantize.js';
import { fromValues } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { throughIdentities } from './placement/operators.js';
import {
  type ActivationPlacement,
  type Placement,
  placementName,
  type WeightPlacement,
} from './placement/placement.js';
import type { UnifiedScaleGroup } from './placement/solver.js';
import type { QuantizerInsertion, QuantizerTarget } from './quantizer.js';
import { type RangeEstimatorParameters, rangeEstimator } from './rangeEstimator.js';
import { mergeStatistics, type QuantizerParameters, quantizerParameters } from './ranges.js';
import { codeRange, type QuantizerConfig, type QuantizerSpec } from './spec.js';
import type { RangeCollector, RangeStatistics } from './statistics/collector.js';
import { rangeCollector } from './statistics/rangeCollector.js';

/** An activation quantizer to be, and what collects its range. */
export interface ActivationRange {
  readonly placement: ActivationPlacement;
  readonly value: GraphValue;
  readonly collector: RangeCollector;
}

/** @param batchwise Whether the images of a batch count as samples. */
export function activationRanges(
  graph: Graph,
  { activations }: Placement,
  given: RangeEstimatorParameters,
  batchwise: boolean,
): ActivationRange[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  return activations.map((placement) => {
    const { mode, perChannel } = placement.config;
    return {
      placement,
      value: valueAt(graph, nodes, placement.target),
      collector: rangeCollector(rangeEstimator(given, 'activations', perChannel), {
        ...{ channelAxis: perChannel ? 1 : null, batchwise, symmetric: mode === 'symmetric' },
      }),
    };
  });
}

/** The value that a quantizer quantizes. */
function valueAt(
  graph: Graph,
  nodes: ReadonlyMap<string, GraphNode>,
  { point, node: name, port }: QuantizerTarget,
): GraphValue {
  const result = point === 'result' ? graph.outputs.find((output) => output.name === name) : undefined;
  if (result) return throughIdentities(result.value);
  const node = nodes.get(name) ?? graph.node(name);
  return point === 'output' ? node.outputs[port] : throughIdentities(node.inputs[port]);
}

/** The parameters of a quantizer as tensors that broadcast to the value. */
function parameterTensors(parameters: QuantizerParameters, shape: readonly number[], like: Tensor | null): Tensor[] {
  const arrays = parameters.mode === 'symmetric' ? [parameters.scale] : [parameters.inputLow, parameters.inputRange];
  return arrays.map((values) => fromValues(values, shape, 'float32', { backend: like?.backend }));
}

const specOf = (
  kind: QuantizerSpec['kind'],
  config: QuantizerConfig,
  parameters: QuantizerParameters,
): QuantizerSpec => ({
  kind,
  mode: config.mode,
  bits: config.bits,
  perChannel: config.perChannel,
  narrowRange: config.narrowRange,
  signed: parameters.mode === 'symmetric' && parameters.signed,
});

/** What is known of weights: where they are, and their range. */
export interface WeightRange {
  readonly placement: WeightPlacement;
  readonly statistics: RangeStatistics;
}

export async function weightRanges(
  placements: readonly WeightPlacement[],
  given: RangeEstimatorParameters,
): Promise<WeightRange[]> {
  const ranges: WeightRange[] = [];
  for (const placement of placements) {
    const { tensor } = placement.weights.constant;
    const { config, channelAxis, target } = placement;
    if (tensor.dtype !== 'float32')
      throw new UnsupportedError(
        'WEIGHT_DTYPE',
        `quantize: the weights of '${target.node}' are ${tensor.dtype}; only float32 models can be quantized.`,
      );
    const collector = rangeCollector(rangeEstimator(given, 'weights', config.perChannel), {
      ...{ channelAxis: config.perChannel ? channelAxis : null, symmetric: config.mode === 'symmetric' },
    });
    collector.add(await tensor.data(), tensor.shape);
    const statistics = collector.result();
    if (!statistics)
      throw new ValidationError(
        'EMPTY_WEIGHTS',
        `quantize: the weights of '${target.node}' are empty; add the operation to ignoredScope.`,
      );
    ranges.push({ placement, statistics });
  }
  return ranges;
}

/** A quantizer of weights, and the constant that holds them. */
export interface WeightInsertion {
  readonly constant: GraphNode;
  readonly insertion: QuantizerInsertion;
}

export interface Insertions {
  readonly weights: readonly WeightInsertion[];
  readonly activations: readonly QuantizerInsertion[];
}

/**
 * All quantizers with their parameters.
 * @param halfRange Whether the codes of weights are to keep within half of their range.
 */
export function insertions(
  weights: readonly WeightRange[],
  activations: readonly ActivationRange[],
  halfRange: (placement: WeightPlacement) => boolean,
): Insertions {
  const groups = new Map<UnifiedScaleGroup, RangeStatistics[]>();
  const join = (group: UnifiedScaleGroup | null, statistics: RangeStatistics): void => {
    if (group) groups.set(group, [...(groups.get(group) ?? []), statistics]);
  };
  for (const { placement, statistics } of weights) join(placement.group, statistics);
  const ranges = activations.map((range) => ({ ...range, statistics: statisticsOf(range) }));
  for (const { placement, statistics } of ranges) join(placement.group, statistics);
  const merged = (group: UnifiedScaleGroup | null, own: RangeStatistics): RangeStatistics =>
    mergeStatistics((group && groups.get(group)) ?? [own]);
  const leaders = new Map<UnifiedScaleGroup, string>();
  /** The quantizer whose parameters another one shares, if any; the first of a group is that of the others. */
  const leaderOf = (group: UnifiedScaleGroup | null, target: QuantizerTarget): string | undefined => {
    if (!group) return undefined;
    const leader = leaders.get(group);
    if (!leader) leaders.set(group, placementName({ target }));
    return leader;
  };
  return {
    weights: weights.map(({ placement, statistics }) => {
      const { config, channelAxis, target, group } = placement;
      const { tensor } = placement.weights.constant;
      const half = halfRange(placement);
      if (half && config.mode === 'asymmetric') throw halfOfAsymmetric(target.node);
      const parameters = quantizerParameters(merged(group, statistics), config, { halfRange: half });
      const shape = config.perChannel ? tensor.shape.map((extent, axis) => (axis === channelAxis ? extent : 1)) : [1];
      return {
        constant: placement.weights,
        insertion: {
          target,
          spec: specOf('weights', config, parameters),
          parameters: parameterTensors(parameters, shape, tensor),
          shares: leaderOf(group, target),
        },
      };
    }),
    activations: ranges.map(({ placement: { config, group, target }, statistics, value }) => {
      const parameters = quantizerParameters(merged(group, statistics), config);
      const { shape } = value.type;
      const like = weights[0]?.placement.weights.constant.tensor ?? null;
      return {
        target,
        spec: specOf('activations', config, parameters),
        parameters: parameterTensors(
          parameters,
          config.perChannel ? shape.map((extent, axis) => (axis === 1 ? extent : 1)) : [1],
          like,
        ),
        shares: leaderOf(group, target),
      };
    }),
  };
}

function statisticsOf({ placement, collector }: ActivationRange): RangeStatistics {
  const statistics = collector.result();
  if (statistics) return statistics;
  throw new ValidationError(
    'NO_STATISTICS',
    `quantize: statistics were not collected for '${placement.target.node}': all its values were empty tensors.`,
  );
}

const halfOfAsymmetric = (node: string): ValidationError =>
  new ValidationError(
    'HALF_RANGE_ASYMMETRIC',
    `quantize: the overflow fix keeps codes within half of their range, which only symmetric weights have; those of '${node}' are asymmetric. Set overflowFix to 'disable'.`,
    { node },
  );

/** The weights of a constant as the quantized model will see them. */
export function quantizedWeights(insertions: readonly WeightInsertion[], constant: GraphNode): Tensor {
  const { tensor } = constant.constant;
  const found = insertions.find((entry) => entry.constant === constant);
  if (!found) return tensor;
  const { spec, parameters } = found.insertion;
  const [first, second] = parameters;
  return noGrad(() =>
    spec.mode === 'symmetric'
      ? symmetricFakeQuantize(tensor, first, codeRange(spec))
      : asymmetricFakeQuantize(tensor, first, second, codeRange(spec)),
  );
}
