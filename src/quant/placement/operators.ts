/**
 * The graph as placement sees it: constants, what is computed from them, and nodes that change nothing are
 * left out; chains that hardware fuses are one operator. Hooks exist at the inputs of an operator and at its output.
 */
import { defineOperation, type QuantizationTrait } from '../../autograd/operation.js';
import { type Graph, GraphNode, type GraphUse, type GraphValue } from '../../graph/graph.js';
import { isFloating } from '../../kernels/dtype.js';
import { weightsOf } from '../quantizer.js';
import type { TargetTable } from '../targets/target.js';
import { fuse } from './fuse.js';

/** A data input of an operator. */
export interface OperatorInput {
  readonly use: GraphUse;
  readonly operator: Operator;
  /** Where the data comes from. */
  readonly producer: Operator;
  readonly value: GraphValue;
}

export interface Operator {
  /** The fused nodes in order; the first decides how the operator is treated. */
  readonly nodes: readonly GraphNode[];
  readonly trait: QuantizationTrait;
  readonly ignored: boolean;
  readonly inputs: OperatorInput[];
  /** Data inputs of other operators that read this one's outputs. */
  readonly consumers: OperatorInput[];
  /** Whether an output of the graph is read directly. */
  isOutput: boolean;
}

export const firstNode = (operator: Operator): GraphNode => operator.nodes[0];
export const lastNode = (operator: Operator): GraphNode => operator.nodes[operator.nodes.length - 1];

/** Nodes whose values depend on an input of the model. */
export function dataNodes(graph: Graph): Set<GraphNode> {
  const live = new Set<GraphNode>();
  for (const node of graph.nodes)
    if (node.isParameter || node.inputs.some((value) => live.has(value.node))) live.add(node);
  return live;
}

/** Nodes that pass their input on unchanged at inference. */
const isIdentity = (node: GraphNode): boolean => node.type === 'Dropout' || node.type === 'Identity';

/** The value before any nodes that pass it on unchanged. */
export function throughIdentities(value: GraphValue): GraphValue {
  let current = value;
  while (isIdentity(current.node)) current = current.node.inputs[0];
  return current;
}

function traitOf(node: GraphNode, target: TargetTable, ignored: boolean): QuantizationTrait {
  if (ignored || node.isParameter) return 'nonQuantizable';
  const support = target.operations[node.type];
  if (!support) return 'nonQuantizable';
  if (support.activations.length > 0) return 'inputsQuantizable';
  const { weights, trait = 'nonQuantizable' } = node.definition.quantization ?? {};
  // What an operation picks from constant weights is quantized by quantizing the weights.
  if (support.weights && weights && weightsOf(node, weights.port)) return 'outputQuantizationAsWeights';
  return trait === 'inputsQuantizable' ? 'nonQuantizable' : trait;
}

/** Stands for a result of the graph where results are quantized. */
const RESULT = defineOperation<Record<string, never>>({ type: 'Result', infer: () => [] });

export const isResult = (operator: Operator): boolean => firstNode(operator).definition === RESULT;

export interface OperatorOptions {
  /** Whether results of the graph want quantizers. Default: false. */
  readonly quantizeOutputs?: boolean;
  /** Types that stay in float where an operator begins with one. */
  readonly ignoredTypes?: readonly string[];
}

/** Builds the operators of a graph in execution order, and those of its results behind them. */
export function buildOperators(
  graph: Graph,
  target: TargetTable,
  ignored: ReadonlySet<GraphNode>,
  { quantizeOutputs = false, ignoredTypes = [] }: OperatorOptions = {},
): Operator[] {
  const live = dataNodes(graph);
  const nodes = graph.nodes.filter((node) => live.has(node) && !isIdentity(node));
  const producers = new Map<GraphNode, GraphNode[]>();
  const consumers = new Map<GraphNode, Set<GraphNode>>(nodes.map((node) => [node, new Set()]));
  for (const node of nodes) {
    const sources = node.inputs.map((value) => throughIdentities(value).node).filter((source) => live.has(source));
    producers.set(node, sources);
    for (const source of sources) consumers.get(source)?.add(node);
  }
  const outputs = new Set(graph.outputs.map(({ value }) => throughIdentities(value).node));
  const isOutput = (node: GraphNode): boolean => outputs.has(node);
  const isIgnored = (node: GraphNode): boolean => ignored.has(node) || ignoredTypes.includes(node.type);
  /** Results that get a quantizer: floating-point ones that depend on an input. */
  const results = quantizeOutputs
    ? graph.outputs.filter(({ value }) => live.has(value.node) && isFloating(value.type.dtype))
    : [];
  const quantizedResults = new Set(results.map(({ value }) => throughIdentities(value).node));
  const chains = fuse({
    nodes,
    producers: (node) => producers.get(node) ?? [],
    consumers: (node) => consumers.get(node) ?? new Set(),
    isOutput,
  });

  const operatorOf = new Map<GraphNode, Operator>();
  const operators: Operator[] = [];
  for (const node of nodes) {
    const chain = chains.get(node);
    if (!chain) continue;
    const operator: Operator = {
      nodes: chain,
      trait: traitOf(node, target, isIgnored(node)),
      ignored: isIgnored(node),
      inputs: [],
      consumers: [],
      isOutput: isOutput(chain[chain.length - 1]) && !quantizedResults.has(chain[chain.length - 1]),
    };
    for (const member of chain) operatorOf.set(member, operator);
    operators.push(operator);
  }
  for (const node of nodes) {
    const operator = operatorOf.get(node) as Operator;
    node.inputs.forEach((given, port) => {
      const value = throughIdentities(given);
      const producer = operatorOf.get(value.node);
      if (!producer || producer === operator) return;
      const input: OperatorInput = { use: { node, port }, operator, producer, value };
      operator.inputs.push(input);
      producer.consumers.push(input);
    });
  }
  for (const { name, value } of results) {
    const source = throughIdentities(value);
    const producer = operatorOf.get(source.node);
    if (!producer) continue;
    const node = new GraphNode(name, RESULT, {}, [value], []);
    const operator: Operator = {
      ...{ nodes: [node], trait: 'inputsQuantizable', ignored: false, inputs: [], consumers: [], isOutput: false },
    };
    const input: OperatorInput = { use: { node, port: 0 }, operator, producer, value: source };
    operator.inputs.push(input);
    producer.consumers.push(input);
    operators.push(operator);
  }
  return operators;
}

/** Whether the operator is a convolution with one input channel per group. */
export function isDepthwise(operator: Operator): boolean {
  const node = firstNode(operator);
  if (node.type !== 'GroupConvolution') return false;
  const [groups, , perGroup] = node.inputs[1].type.shape;
  return groups > 1 && perGroup === 1;
}

/** Inputs that can carry a quantizer: floating-point data, not indices. */
export function quantizableInputs(operator: Operator): OperatorInput[] {
  const first = firstNode(operator);
  const skipped = first.definition.quantization?.ignoredPorts ?? [];
  return operator.inputs.filter(
    ({ use, value }) => use.node === first && isFloating(value.type.dtype) && !skipped.includes(use.port),
  );
}
