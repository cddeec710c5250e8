/** Which constants are weights, and what quantizers the hardware offers for them. */
import { UnsupportedError } from '../../errors.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { sameShape } from '../../tensor/shape.js';
import { weightsOf } from '../quantizer.js';
import type { QuantizerConfig } from '../spec.js';
import type { TargetTable } from '../targets/target.js';
import { type ConfigConstraints, constrain, withWidth } from './constraints.js';
import { firstNode, isDepthwise, type Operator } from './operators.js';

export interface WeightReader {
  readonly operator: Operator;
  readonly port: number;
}

/** A constant that operations use as weights. */
export interface WeightCandidate {
  readonly weights: GraphNode;
  /** The operations that use them. */
  readonly readers: WeightReader[];
  /** Configurations that the hardware offers, best first. */
  readonly configs: readonly QuantizerConfig[];
  /** The axis of output channels in the weights, where each has a scale of its own. */
  readonly channelAxis: number;
}

/** The weights of the quantized operations, each once, in the order of their first use. */
export function weightCandidates(
  operators: readonly Operator[],
  target: TargetTable,
  constraints: ConfigConstraints,
  widthOf: (node: GraphNode, weights: GraphNode) => number | undefined = () => undefined,
): WeightCandidate[] {
  const found = new Map<GraphNode, WeightCandidate>();
  for (const operator of operators) {
    const node = firstNode(operator);
    const support = target.operations[node.type];
    const offered = (isDepthwise(operator) && support?.depthwise?.weights) || support?.weights;
    const traits = node.definition.quantization?.weights;
    const quantized = operator.trait === 'inputsQuantizable' || operator.trait === 'outputQuantizationAsWeights';
    if (!quantized || !offered || !traits) continue;
    for (const port of weightPorts(node, traits.port)) {
      const weights = weightsOf(node, port);
      if (!weights) continue;
      const width = widthOf(node, weights);
      const known = found.get(weights);
      if (known) {
        known.readers.push({ operator, port });
        continue;
      }
      const { shape } = weights.outputs[0].type;
      const where = { node: node.name, kind: 'weights', target: target.name } as const;
      const configs = constrain(offered, withWidth(constraints, width), where);
      found.set(weights, {
        weights,
        readers: [{ operator, port }],
        configs: hasChannels(node, port, shape) ? configs : perTensor(configs),
        channelAxis: Math.max(channelAxis(node, port, shape), 0),
      });
    }
  }
  return [...found.values()];
}

/** Configurations with one range for the tensor, also where the hardware would take one for each channel. */
function perTensor(configs: readonly QuantizerConfig[]): readonly QuantizerConfig[] {
  const fitting = configs.filter(({ perChannel }) => !perChannel);
  return fitting.length > 0 ? fitting : configs.map((config) => ({ ...config, perChannel: false }));
}

/** Names of the readers of weights of which some stay in float, such as an ignored layer that shares them. */
export function namedReaders(
  graph: Graph,
  candidates: readonly WeightCandidate[],
): Map<WeightCandidate, readonly string[]> {
  const uses = graph.uses();
  const named = new Map<WeightCandidate, readonly string[]>();
  for (const candidate of candidates) {
    const quantized = new Set(candidate.readers.map(({ operator, port }) => directReader(firstNode(operator), port)));
    const readers = (uses.get(candidate.weights.outputs[0]) ?? []).map(({ node }) => node);
    if (!readers.every((node) => quantized.has(node)))
      named.set(
        candidate,
        [...quantized].map(({ name }) => name),
      );
  }
  return named;
}

/** The node that reads the weights themselves: the operation, or the first of the reshapes in front of it. */
function directReader(node: GraphNode, port: number): GraphNode {
  const source = node.inputs[port].node;
  return source.isConstant ? node : directReader(source, 0);
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

/** Whether the weights can have a scale for each channel. */
function hasChannels(node: GraphNode, port: number, shape: readonly number[]): boolean {
  // Grouped convolutions split an axis of their weights and keep the channels; other reshapes may mix them.
  const keepsChannels = node.type.startsWith('Group') || sameShape(node.inputs[port].type.shape, shape);
  // OpenVINO's CPU plugin does not compile a scale for each row of the left operand of a matrix product.
  return shape.length > 1 && keepsChannels && port === node.definition.quantization?.weights?.port;
}
