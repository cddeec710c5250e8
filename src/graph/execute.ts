/** Running a graph operation by operation, the way the recorded code would have run. */
import { apply, applyInMode } from '../autograd/dispatch.js';
import type { TrainingRules } from '../autograd/operation.js';
import { QuantGradError, ValidationError } from '../errors.js';
import { checkInputs } from '../nn/inputs.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Graph, GraphNode, GraphValue } from './graph.js';

export interface ExecuteOptions {
  /** The rules of operations, where gradients may be needed or operations train. Default: none, for inference alone. */
  rules?: TrainingRules;
  /**
   * Use the training form of operations that have one: of all, of none (default), or of those that a function picks. Needs
   * `rules`.
   */
  training?: boolean | ((node: GraphNode) => boolean);
  /** What to compute with in place of a tensor that belongs to the model. Default: the tensor itself. */
  constant?(tensor: Tensor): Tensor;
  /** Called with every node before it is computed. */
  enter?(node: GraphNode): void;
  /** Called with every value as it is computed, such as for calibration. */
  observe?(value: GraphValue, tensor: Tensor): void;
}

/** Computes the graph's outputs. */
export function executeGraph(graph: Graph, inputs: readonly Tensor[], options: ExecuteOptions = {}): Tensor[] {
  checkInputs(
    graph.inputs.map((node) => ({ name: node.name, ...node.outputs[0].type })),
    inputs,
  );
  if (options.training && !options.rules)
    throw new QuantGradError('NO_TRAINING_RULES', 'A graph was to train without the rules of its operations.');
  const values = new Map<GraphValue, Tensor>();
  const remaining = new Map<GraphValue, number>();
  for (const node of graph.nodes)
    for (const value of node.inputs) remaining.set(value, (remaining.get(value) ?? 0) + 1);
  for (const { value } of graph.outputs) remaining.set(value, (remaining.get(value) ?? 0) + 1);
  const read = (value: GraphValue): Tensor => {
    const tensor = values.get(value);
    if (!tensor)
      throw new ValidationError(
        'GRAPH_ORDER',
        `The graph uses '${value.node.name}' before it is computed; call graph.sort() after changing it.`,
      );
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
    store(node.outputs[0], inputs[index]);
  });
  for (const node of graph.nodes) {
    if (node.isParameter) continue;
    if (node.isConstant) {
      const { tensor } = node.constant;
      store(node.outputs[0], options.constant?.(tensor) ?? tensor);
      continue;
    }
    options.enter?.(node);
    const operands = node.inputs.map(read);
    const training = typeof options.training === 'function' ? options.training(node) : (options.training ?? false);
    const results = options.rules
      ? applyInMode(node.definition, operands, node.attributes, options.rules, training)
      : apply(node.definition, operands, node.attributes);
    for (const [index, tensor] of results.entries()) store(node.outputs[index], tensor);
  }
  return graph.outputs.map(({ value }) => read(value));
}
