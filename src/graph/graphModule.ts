/** A module whose forward pass is a graph: what a traced, quantized or imported model is. */
import { checkInputs } from '../nn/inputs.js';
import { Module } from '../nn/module.js';
import { Buffer, Parameter } from '../nn/parameter.js';
import { buildOutputs, type OutputStructure } from '../nn/structure.js';
import type { Tensor } from '../tensor/tensor.js';
import { executeGraph } from './execute.js';
import { Graph, GraphNode, type GraphValue } from './graph.js';
import { PlannedExecutor } from './plan.js';

export class GraphModule extends Module {
  readonly graph: Graph;
  readonly structure: OutputStructure;
  #planned: PlannedExecutor | null = null;

  constructor(graph: Graph, structure: OutputStructure) {
    super();
    this.graph = graph;
    this.structure = structure;
  }

  override forward(...inputs: Tensor[]): unknown {
    return buildOutputs(this.structure, this.#execute(inputs));
  }

  #execute(inputs: readonly Tensor[]): Tensor[] {
    checkInputs(
      this.graph.inputs.map((node) => ({ name: node.name, ...node.outputs[0].type })),
      inputs,
    );
    if (!PlannedExecutor.supports(inputs)) return executeGraph(this.graph, inputs, { training: this.training });
    this.#planned ??= new PlannedExecutor(this.graph);
    return this.#planned.run(inputs, this.training);
  }

  /** The constants of the graph that came from parameters and buffers, under their names in the model. */
  protected override *ownTensors(): Generator<[string, Parameter | Buffer]> {
    for (const node of this.graph.nodes) {
      if (!node.isConstant) continue;
      const { tensor, path } = node.constant;
      if (tensor instanceof Parameter || tensor instanceof Buffer) yield [path, tensor];
    }
  }
}

/** A copy of a graph with its own parameters and buffers: changing one does not change the other. */
export function copyGraph(graph: Graph): Graph {
  const values = new Map<GraphValue, GraphValue>();
  const nodes = graph.nodes.map((node) => {
    const attributes = node.isConstant
      ? { ...node.constant, tensor: copyTensor(node.constant.tensor) }
      : node.attributes;
    const inputs = node.inputs.map((value) => values.get(value) ?? value);
    const copy = new GraphNode(
      node.name,
      node.definition,
      attributes,
      inputs,
      node.outputs.map((output) => output.type),
      node.scope,
    );
    for (const [index, output] of node.outputs.entries()) values.set(output, copy.outputs[index]);
    return copy;
  });
  return new Graph(
    nodes,
    nodes.filter((node) => node.isParameter),
    graph.outputs.map(({ name, value }) => ({ name, value: values.get(value) ?? value })),
  );
}

/** Storages never change in place, so sharing one until either tensor gets another is a copy. */
function copyTensor(tensor: Tensor): Tensor {
  if (tensor instanceof Parameter) return new Parameter(tensor, tensor.requiresGrad);
  if (tensor instanceof Buffer) return new Buffer(tensor, tensor.persistent);
  return tensor.detach();
}
