/**
 * The graph: the one representation of a model that quantization and export work on. Nodes are
 * operations with OpenVINO's names and semantics, in an order in which every value is computed before it
 * is used. Parameters of a model are constants that remember the tensor they came from.
 */
import { defineOperation, type OperationDefinition } from '../autograd/operation.js';
import { ValidationError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import type { Tensor } from '../tensor/tensor.js';

/** A value: one output of a node. */
export interface GraphValue {
  readonly node: GraphNode;
  readonly index: number;
  readonly type: TensorType;
}

export interface ConstantAttributes {
  /** The values; a `Parameter` or `Buffer` of the model, or a literal. */
  readonly tensor: Tensor;
  /** The name in the model's state dictionary, or '' for a literal. */
  readonly path: string;
}

/** An input of the graph. */
export const PARAMETER = defineOperation<Record<string, never>>({ type: 'Parameter', infer: () => [] });
/** A tensor that belongs to the model. */
export const CONSTANT = defineOperation<ConstantAttributes>({ type: 'Constant', infer: () => [] });

export class GraphNode {
  /** Unique in the graph, such as `features/0/Convolution`. */
  name: string;
  readonly definition: OperationDefinition;
  attributes: unknown;
  inputs: GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Path of the layer it was recorded in, with slashes; '' at the top. */
  readonly scope: string;

  constructor(
    name: string,
    definition: OperationDefinition,
    attributes: unknown,
    inputs: readonly GraphValue[],
    types: readonly TensorType[],
    scope = '',
  ) {
    this.name = name;
    this.definition = definition;
    this.attributes = attributes;
    this.inputs = [...inputs];
    this.outputs = types.map((type, index) => ({ node: this, index, type }));
    this.scope = scope;
  }

  get type(): string {
    return this.definition.type;
  }

  get isConstant(): boolean {
    return this.definition === CONSTANT;
  }

  get isParameter(): boolean {
    return this.definition === PARAMETER;
  }

  /** The attributes of a constant. */
  get constant(): ConstantAttributes {
    if (!this.isConstant)
      throw new ValidationError('NOT_A_CONSTANT', `The node '${this.name}' (${this.type}) is not a constant.`);
    return this.attributes as ConstantAttributes;
  }
}

/** Creates a constant node. */
export const constantNode = (name: string, tensor: Tensor, path = '', scope = ''): GraphNode =>
  new GraphNode(
    name,
    CONSTANT,
    { tensor, path } satisfies ConstantAttributes,
    [],
    [{ shape: tensor.shape, dtype: tensor.dtype }],
    scope,
  );

/** A use of a value: input `port` of `node`. */
export interface GraphUse {
  readonly node: GraphNode;
  readonly port: number;
}

export interface GraphOutput {
  readonly name: string;
  value: GraphValue;
}

export class Graph {
  /** In execution order; includes inputs and constants. */
  nodes: GraphNode[];
  readonly inputs: readonly GraphNode[];
  readonly outputs: GraphOutput[];

  constructor(nodes: readonly GraphNode[], inputs: readonly GraphNode[], outputs: readonly GraphOutput[]) {
    this.nodes = [...nodes];
    this.inputs = inputs;
    this.outputs = [...outputs];
  }

  /** The node of this name. */
  node(name: string): GraphNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new ValidationError('UNKNOWN_NODE', `The graph has no node '${name}'.`);
    return found;
  }

  /** Every use of every value, in execution order. Computed afresh: graphs change while they are transformed. */
  uses(): Map<GraphValue, GraphUse[]> {
    const uses = new Map<GraphValue, GraphUse[]>();
    for (const node of this.nodes) {
      node.inputs.forEach((value, port) => {
        const list = uses.get(value);
        if (list) list.push({ node, port });
        else uses.set(value, [{ node, port }]);
      });
    }
    return uses;
  }

  /** Puts the nodes back into an order in which producers come first, keeping the present order otherwise; drops what no output needs. */
  sort(): void {
    const order: GraphNode[] = [];
    const done = new Set<GraphNode>();
    const needed = this.#needed();
    const visit = (root: GraphNode): void => {
      const stack: [GraphNode, number][] = [[root, 0]];
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        const [node, next] = top;
        if (done.has(node)) stack.pop();
        else if (next < node.inputs.length) {
          top[1]++;
          if (!done.has(node.inputs[next].node)) stack.push([node.inputs[next].node, 0]);
        } else {
          done.add(node);
          order.push(node);
          stack.pop();
        }
      }
    };
    for (const input of this.inputs) visit(input);
    for (const node of this.nodes) if (needed.has(node)) visit(node);
    for (const { value } of this.outputs) visit(value.node);
    this.nodes = order;
  }

  #needed(): Set<GraphNode> {
    const needed = new Set<GraphNode>();
    const stack = this.outputs.map(({ value }) => value.node);
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (needed.has(node)) continue;
      needed.add(node);
      stack.push(...node.inputs.map((value) => value.node));
    }
    return needed;
  }
}
