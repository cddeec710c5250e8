/** Changing a graph from inside a pass: new nodes under free names, and values replaced by others. */
import type { OperationDefinition } from '../../autograd/operation.js';
import { constantNode, type Graph, GraphNode, type GraphUse, type GraphValue } from '../../graph/graph.js';
import type { Tensor } from '../../tensor/tensor.js';

export class GraphEditor {
  readonly #graph: Graph;
  readonly #names: Set<string>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#names = new Set(graph.nodes.map(({ name }) => name));
  }

  /** Adds a constant. */
  constant(name: string, tensor: Tensor, scope = ''): GraphValue {
    const node = constantNode(this.#free(name), tensor, '', scope);
    this.#graph.nodes.push(node);
    return node.outputs[0];
  }

  /** Adds an operation with one output. */
  operation<A>(
    definition: OperationDefinition<A>,
    name: string,
    inputs: readonly GraphValue[],
    attributes: A,
    scope = '',
  ): GraphValue {
    const types = definition.infer(
      inputs.map(({ type }) => type),
      attributes,
    );
    const node = new GraphNode(this.#free(name), definition as OperationDefinition, attributes, inputs, types, scope);
    this.#graph.nodes.push(node);
    return node.outputs[0];
  }

  /** Gives up the name of a node that is about to be replaced, so that its successor can have it. */
  releaseName({ name }: GraphNode): void {
    this.#names.delete(name);
  }

  /** Lets every use of `from`, and every output of the graph that is `from`, read `to`. */
  replace(from: GraphValue, to: GraphValue): void {
    for (const node of this.#graph.nodes) {
      node.inputs.forEach((value, port) => {
        if (value === from) node.inputs[port] = to;
      });
    }
    for (const output of this.#graph.outputs) if (output.value === from) output.value = to;
  }

  /** The inputs that read a value; outputs of the graph do not count. */
  uses(value: GraphValue): GraphUse[] {
    return this.#graph.nodes.flatMap((node) =>
      node.inputs.flatMap((input, port) => (input === value ? [{ node, port }] : [])),
    );
  }

  /** Whether `node` is all that reads a value. */
  isOnlyUse(value: GraphValue, node: GraphNode): boolean {
    return (
      this.#graph.outputs.every((output) => output.value !== value) &&
      this.uses(value).every((use) => use.node === node)
    );
  }

  /** Puts the nodes in order and drops what no output needs any more. */
  finish(): void {
    this.#graph.sort();
  }

  #free(name: string): string {
    let free = name;
    for (let count = 1; this.#names.has(free); count++) free = `${name}_${count}`;
    this.#names.add(free);
    return free;
  }
}
