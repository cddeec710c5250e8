/** Running a graph operation by operation, the way the recorded code would have run. */
import { apply } from '../autograd/dispatch.js';
import type { OperationDefinition } from '../autograd/operation.js';
import { ShapeError, ValidationError } from '../errors.js';
import { DYNAMIC, formatShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Graph, GraphNode, GraphValue } from './graph.js';

export interface ExecuteOptions {
  /** Use the training form of operations that have one. Default: false. */
  training?: boolean;
  /** Called with every value as it is computed, such as for calibration. */
  observe?(value: GraphValue, tensor: Tensor): void;
}

function checkInput(node: GraphNode, tensor: Tensor): void {
  const { shape, dtype } = node.outputs[0].type;
  const fits = shape.length === tensor.shape.length && shape.every((extent, axis) => extent === DYNAMIC || tensor.shape[axis] === DYNAMIC || extent === tensor.shape[axis]);
  if (!fits || tensor.dtype !== dtype) {
    throw new ShapeError('INPUT_MISMATCH', `Input '${node.name}' takes ${dtype} ${formatShape(shape)}, but was given ${tensor.dtype} ${formatShape(tensor.shape)}.`, {
      expected: shape,
      given: tensor.shape,
    });
  }
}

/** Computes the graph's outputs. */
export function executeGraph(graph: Graph, inputs: readonly Tensor[], options: ExecuteOptions = {}): Tensor[] {
  if (inputs.length !== graph.inputs.length) {
    throw new ValidationError('INPUT_COUNT', `The model takes ${graph.inputs.length} inputs (${graph.inputs.map(({ name }) => name).join(', ')}), but was given ${inputs.length}.`);
  }
  const values = new Map<GraphValue, Tensor>();
  const remaining = new Map<GraphValue, number>();
  for (const node of graph.nodes) for (const value of node.inputs) remaining.set(value, (remaining.get(value) ?? 0) + 1);
  for (const { value } of graph.outputs) remaining.set(value, (remaining.get(value) ?? 0) + 1);
  const read = (value: GraphValue): Tensor => {
    const tensor = values.get(value);
    if (!tensor) throw new ValidationError('GRAPH_ORDER', `The graph uses '${value.node.name}' before it is computed; call graph.sort() after changing it.`);
    // A value that nothing else reads is let go at once, so that its memory can be used again.
    const left = (remaining.get(value) ?? 1) - 1;
    remaining.set(value, left);
    if (left === 0) values.delete(value);
    return tensor;
  };
  const store = (value: GraphValue, tensor: Tensor): void => {
    options.observe?.(value, tensor);
    if ((remaining.get(value) ?? 0) > 0) values.set(value, tensor);
  };
  graph.inputs.forEach((node, index) => {
    checkInput(node, inputs[index]);
    store(node.outputs[0], inputs[index]);
  });
  for (const node of graph.nodes) {
    if (node.isParameter) continue;
    if (node.isConstant) {
      store(node.outputs[0], node.constant.tensor);
      continue;
    }
    const operands = node.inputs.map(read);
    runNode(node, operands, options.training ?? false).forEach((tensor, index) => store(node.outputs[index], tensor));
  }
  return graph.outputs.map(({ value }) => read(value));
}

function runNode(node: GraphNode, inputs: readonly Tensor[], training: boolean): Tensor[] {
  const definition = node.definition as OperationDefinition<unknown>;
  if (training && definition.training && inputs.every((input) => !input.isSymbolic)) return definition.training(inputs, node.attributes);
  return apply(definition, inputs, node.attributes);
}
