/**
 * The graph of a model that is to be quantized, in a copy of its own. A model that is a graph already, such as one
 * read from a file, keeps its names, so that quantizers and ignored scopes speak of what the file says.
 */
import { noGrad } from '../autograd/gradMode.js';
import { type Graph, GraphNode } from '../graph/graph.js';
import { copyGraph, GraphModule } from '../graph/graphModule.js';
import { type TracedModel, trace } from '../graph/trace.js';
import type { Module } from '../nn/module.js';
import { RESHAPE, reshape } from '../ops/movement/reshape.js';
import type { Tensor } from '../tensor/tensor.js';

/** @throws TraceError if the model cannot be recorded as a graph. */
export function recordedModel(model: Module, inputs: readonly Tensor[]): TracedModel {
  const { graph, structure } = model instanceof GraphModule ? model : trace(model, inputs);
  const copy = copyGraph(graph);
  joinGroups(copy);
  return { graph: copy, structure };
}

/**
 * Files hold the weights of grouped convolutions as [groups, A / groups, ...]. Here they become [A, ...] with a reshape
 * behind them, as models of this library have them, so that channels are one axis.
 */
function joinGroups(graph: Graph): void {
  const added: GraphNode[] = [];
  for (const node of graph.nodes) {
    const weights = node.inputs[1]?.node;
    if (!node.type.startsWith('Group') || !weights?.isConstant || weights.outputs[0].type.shape.length !== 5) continue;
    const { tensor, path } = weights.constant;
    const [groups, channels, ...rest] = tensor.shape;
    const joined = noGrad(() => reshape(tensor, [groups * channels, ...rest]));
    const constant = new GraphNode(
      weights.name,
      weights.definition,
      { tensor: joined, path },
      [],
      [{ shape: joined.shape, dtype: joined.dtype }],
      weights.scope,
    );
    const split = new GraphNode(
      `${node.name}/groups`,
      RESHAPE,
      { shape: [...tensor.shape], specialZero: false },
      constant.outputs,
      [weights.outputs[0].type],
      node.scope,
    );
    const readers = graph.nodes.filter((reader) => reader.inputs.some((value) => value.node === weights));
    for (const reader of readers)
      reader.inputs = reader.inputs.map((value) => (value.node === weights ? split.outputs[0] : value));
    added.push(constant, split);
  }
  if (added.length === 0) return;
  graph.nodes.push(...added);
  graph.sort();
}
