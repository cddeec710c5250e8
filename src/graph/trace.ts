/**
 * Recording a model as a graph: its `forward` runs once on symbolic tensors, and every operation it
 * applies becomes a node named after the layer it happened in. Nothing is computed; shapes are checked.
 */
import { type Recorder, withRecorder } from '../autograd/dispatch.js';
import type { OperationDefinition } from '../autograd/operation.js';
import { atPlace, TraceError, ValidationError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import { Functional } from '../nn/functional.js';
import type { Module } from '../nn/module.js';
import { withScopes } from '../nn/scopes.js';
import { flattenOutputs, type OutputStructure } from '../nn/structure.js';
import { defaultBackend } from '../tensor/backend.js';
import { DYNAMIC } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { constantNode, Graph, GraphNode, type GraphValue, PARAMETER } from './graph.js';

export interface TraceOptions {
  /** Let the first axis of every input be of any size. Default: true. */
  dynamicBatch?: boolean;
  /** Names of the inputs. Default: those of a Functional model; else `input`, or `input_0`, `input_1`, ... */
  inputNames?: readonly string[];
}

/** A recorded model. */
export interface TracedModel {
  readonly graph: Graph;
  /** How the flat outputs make up what `forward` returned. */
  readonly structure: OutputStructure;
}

class GraphRecorder implements Recorder {
  readonly nodes: GraphNode[] = [];
  readonly #values = new WeakMap<Tensor, GraphValue>();
  readonly #constants = new Map<Tensor, GraphValue>();
  readonly #names = new Map<string, number>();
  readonly #paths: ReadonlyMap<Tensor, string>;
  readonly scopes: string[] = [];

  constructor(paths: ReadonlyMap<Tensor, string>) {
    this.#paths = paths;
  }

  owns(tensor: Tensor): boolean {
    return this.#paths.has(tensor);
  }

  place(): string {
    return this.scope === '' ? 'the top of the model' : `layer '${this.scope}'`;
  }

  get scope(): string {
    return this.scopes.at(-1) ?? '';
  }

  input(name: string, type: TensorType): Tensor {
    const node = new GraphNode(this.#unique(name), PARAMETER, {}, [], [type]);
    this.nodes.push(node);
    return this.#symbol(node.outputs[0]);
  }

  valueOf(tensor: Tensor): GraphValue {
    if (tensor.source === this) {
      const value = this.#values.get(tensor);
      if (value) return value;
    }
    if (tensor.source)
      throw new TraceError('FOREIGN_SYMBOL', `At ${this.place()}, a symbolic tensor of another recording was used.`);
    const known = this.#constants.get(tensor);
    if (known) return known;
    const path = this.#paths.get(tensor) ?? '';
    const name = path === '' ? this.#unique(this.#qualified('Constant')) : this.#unique(path);
    const node = constantNode(name, tensor, path, this.scope);
    this.nodes.push(node);
    this.#constants.set(tensor, node.outputs[0]);
    return node.outputs[0];
  }

  record(definition: OperationDefinition, inputs: readonly Tensor[], attributes: unknown): Tensor[] {
    const values = inputs.map((input) => this.valueOf(input));
    let types: TensorType[];
    try {
      types = definition.infer(
        values.map((value) => value.type),
        attributes as never,
      );
    } catch (error) {
      throw atPlace(error, this.place());
    }
    const node = new GraphNode(
      this.#unique(this.#qualified(definition.type)),
      definition,
      attributes,
      values,
      types,
      this.scope,
    );
    this.nodes.push(node);
    return node.outputs.map((value) => this.#symbol(value));
  }

  #symbol(value: GraphValue): Tensor {
    const tensor = new Tensor(null, value.type.shape, value.type.dtype, defaultBackend(), this);
    this.#values.set(tensor, value);
    return tensor;
  }

  #qualified(name: string): string {
    return this.scope === '' ? name : `${this.scope}/${name}`;
  }

  #unique(name: string): string {
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    return count === 0 ? name : this.#unique(`${name}_${count}`);
  }
}

/**
 * Records `model` as a graph.
 * @param inputs One type (or example tensor) per argument of `forward`.
 * @throws TraceError if `forward` reads values of tensors, or returns something other than tensors.
 */
export function trace(model: Module, inputs: readonly TensorType[], options: TraceOptions = {}): TracedModel {
  const { dynamicBatch = true } = options;
  if (inputs.length === 0) throw new ValidationError('NO_INPUTS', 'trace() needs the type of at least one input.');
  const paths = new Map<Tensor, string>();
  for (const [path, tensor] of [...model.namedParameters(), ...model.namedBuffers()]) paths.set(tensor, path);
  const recorder = new GraphRecorder(paths);
  const inputNames = options.inputNames ?? (model instanceof Functional ? model.inputs.map(({ name }) => name) : []);
  const symbols = inputs.map(({ shape, dtype }, index) => {
    const name = inputNames[index] ?? (inputs.length === 1 ? 'input' : `input_${index}`);
    return recorder.input(name, {
      shape: shape.map((extent, axis) => (dynamicBatch && axis === 0 ? DYNAMIC : extent)),
      dtype,
    });
  });
  const result: unknown = withRecorder(recorder, () =>
    withScopes(model, recorder.scopes, () => model.forward(...symbols)),
  );
  if (result instanceof Promise)
    throw new TraceError(
      'ASYNC_FORWARD',
      'forward() returned a promise. A model that is recorded must be synchronous.',
    );
  const { tensors, names, structure } = flattenOutputs(result);
  const outputs = tensors.map((tensor, index) => ({ name: names[index], value: recorder.valueOf(tensor) }));
  const graph = new Graph(
    recorder.nodes,
    recorder.nodes.filter((node) => node.isParameter),
    outputs,
  );
  graph.sort();
  return { graph, structure };
}
