/** A module whose forward pass is a graph: what a traced, quantized or imported model is. */
import { isRecording } from '../autograd/dispatch.js';
import { checkInputs } from '../nn/inputs.js';
import { Module } from '../nn/module.js';
import { Buffer, Parameter } from '../nn/parameter.js';
import { buildOutputs, type OutputStructure } from '../nn/structure.js';
import { TRAINING_RULES } from '../ops/trainingRules.js';
import type { Tensor } from '../tensor/tensor.js';
import { executeGraph } from './execute.js';
import { Graph, GraphNode, type GraphValue } from './graph.js';
import { PlannedExecutor } from './plannedExecutor.js';

export class GraphModule extends Module {
  readonly graph: Graph;
  readonly structure: OutputStructure;
  /**
   * Whether the model runs from a plan on backends that have them: its memory is laid out once for each combination of
   * shapes and modes, and a training step is two calls. Off: it runs operation by operation, with the same results,
   * such as to find an error in a kernel. Default: true.
   */
  planned = true;
  /**
   * Lets these operations alone compute as in training while the model is in evaluation mode, operation by operation,
   * such as batch normalisation that adapts to new data. Default: null, all do what the mode says.
   */
  trainingOperations: ((node: GraphNode) => boolean) | null = null;
  #executor: PlannedExecutor | null = null;

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
    const chosen = this.training ? null : this.trainingOperations;
    if (chosen) return executeGraph(this.graph, inputs, { rules: TRAINING_RULES, training: chosen });
    if (this.planned && !isRecording() && PlannedExecutor.supports(inputs)) {
      this.#executor ??= new PlannedExecutor(this.graph);
      const outputs = this.#executor.run(inputs, this.training);
      if (outputs) return outputs;
    }
    return executeGraph(this.graph, inputs, { rules: TRAINING_RULES, training: this.training });
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
