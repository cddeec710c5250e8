/**
 * Parts of networks that stay in float although hardware could run them in integers, because quantizing them
 * costs accuracy: the inside of a squeeze-and-excite block (NNCF's ignored pattern SE_BLOCK), the end of an attention.
 */
import type { Graph, GraphNode, GraphUse } from '../../graph/graph.js';
import { hasKind } from './fusedPatterns.js';
import { dataNodes, throughIdentities } from './operators.js';

const MEANS = new Set(['ReduceMean', 'AvgPool', 'AdaptiveAvgPool']);
const GATES = new Set(['Sigmoid', 'HSigmoid']);
const RESHAPES = new Set(['Reshape', 'Unsqueeze']);

/**
 * The nodes strictly between the mean and the product of `x * sigmoid(linear(activation(linear(mean(x)))))`. Linear
 * operations may add a bias; reshapes may stand behind the mean and in front of the product, both or neither.
 */
export function squeezeExciteNodes(graph: Graph): Set<GraphNode> {
  const live = dataNodes(graph);
  const readers = readersOf(graph);
  const outputs = new Set(graph.outputs.map(({ value }) => throughIdentities(value).node));
  const onlyReader = (node: GraphNode): GraphNode | null => {
    const uses = readers.get(node) ?? [];
    return uses.length === 1 && !outputs.has(node) ? uses[0].node : null;
  };
  /** What computes the only data input of a node, if nothing else reads that. */
  const producer = (node: GraphNode): GraphNode | null => {
    const inputs = node.inputs.map(throughIdentities).filter((value) => live.has(value.node));
    return inputs.length === 1 && onlyReader(inputs[0].node) === node ? inputs[0].node : null;
  };

  const inside = (gate: GraphNode): GraphNode[] => {
    const found: GraphNode[] = [gate];
    let next = producer(gate);
    const take = (fits: (type: string) => boolean): boolean => {
      if (!next || !fits(next.type)) return false;
      found.push(next);
      next = producer(next);
      return true;
    };
    const isBias = (type: string): boolean => hasKind(type, 'addition');
    const isLinear = (type: string): boolean => hasKind(type, 'linear');
    take(isBias);
    if (!take(isLinear) || !take((type) => hasKind(type, 'activation'))) return [];
    take(isBias);
    if (!take(isLinear)) return [];
    const reshaped = take((type) => RESHAPES.has(type));
    const mean: GraphNode | null = next;
    if (!mean || !MEANS.has(mean.type)) return [];

    let last = gate;
    let product = onlyReader(gate);
    if (reshaped && product && RESHAPES.has(product.type)) {
      found.push(product);
      last = product;
      product = onlyReader(product);
    } else if (reshaped) return [];
    if (product?.type !== 'Multiply') return [];
    const other = product.inputs.map(throughIdentities).find((value) => value.node !== last);
    return other && other === throughIdentities(mean.inputs[0]) ? found : [];
  };
  return new Set(graph.nodes.filter(({ type }) => GATES.has(type)).flatMap(inside));
}

/** Operations through which the result of an attention's softmax, and its values, may come to the product. */
const MOVES = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Split', 'VariadicSplit', 'Transpose']);
const SOURCES = new Set([...MOVES, 'Gather', 'Slice', 'StridedSlice', 'Concat']);

/**
 * The product of an attention's weights and values, with the softmax in front of it and what moves the values (NNCF's
 * ignored pattern MULTIHEAD_ATTENTION_OUTPUT, for transformers).
 */
export function attentionNodes(graph: Graph): Set<GraphNode> {
  const live = dataNodes(graph);
  const found = new Set<GraphNode>();
  for (const product of graph.nodes) {
    if (product.type !== 'MatMul' || !live.has(product)) continue;
    const [left, right] = product.inputs.map((value) => throughIdentities(value).node);
    for (const [first, other] of [
      [left, right],
      [right, left],
    ]) {
      const softmax = MOVES.has(first.type) ? throughIdentities(first.inputs[0]).node : first;
      if (softmax.type !== 'SoftMax' || !live.has(other) || !SOURCES.has(other.type) || other === softmax) continue;
      for (const node of [softmax, first, product, other]) found.add(node);
      break;
    }
  }
  return found;
}

/** The uses of each node's outputs, past nodes that pass a value on unchanged. */
export function readersOf(graph: Graph): Map<GraphNode, GraphUse[]> {
  const readers = new Map<GraphNode, GraphUse[]>();
  for (const node of graph.nodes) {
    if (isPassedBy(node)) continue;
    node.inputs.forEach((value, port) => {
      const source = throughIdentities(value).node;
      const uses = readers.get(source);
      if (uses) uses.push({ node, port });
      else readers.set(source, [{ node, port }]);
    });
  }
  return readers;
}

const isPassedBy = (node: GraphNode): boolean =>
  node.outputs.length > 0 && throughIdentities(node.outputs[0]).node !== node;
