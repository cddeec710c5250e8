/**
 * Symbolic tensors of Functional models. Calling layers and operations on them computes nothing: each
 * result remembers the call it came from, and a `Functional` model collects these calls later. There is one
 * recorder for all of them, so that inputs made apart can meet in one model.
 */
import { applyInMode, type Recorder } from '../autograd/dispatch.js';
import { noGrad } from '../autograd/gradMode.js';
import type { OperationDefinition } from '../autograd/operation.js';
import { atPlace, ShapeError, TraceError, ValidationError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import { DTYPES, type DType } from '../kernels/dtype.js';
import { TRAINING_RULES } from '../ops/trainingRules.js';
import { checkOptions } from '../options.js';
import { defaultBackend } from '../tensor/backend.js';
import { DYNAMIC } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import type { LayerRecorder, Module } from './module.js';
import { withScopes } from './scopes.js';
import { buildOutputs, flattenOutputs } from './structure.js';

/** Something done once in a Functional model. */
export interface SymbolicCall {
  /** Rises from call to call: what a call needs has a lower one. */
  readonly serial: number;
  /** Symbolic tensors of this recorder, and tensors with values. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The layer that was called; null for inputs and single operations. */
  readonly layer: Module | null;
  /** Does the same with other tensors in the place of `inputs`; null for what `nn.input()` gave. */
  readonly run: ((inputs: readonly Tensor[], training: boolean) => readonly Tensor[]) | null;
  /** For errors. */
  readonly description: string;
}

/** Stands in for a recorder while a layer's `forward` runs to find out the types of its outputs. */
class TypeInference implements Recorder {
  readonly scopes: string[] = [];
  readonly #layer: string;

  constructor(layer: string) {
    this.#layer = layer;
  }

  place(): string {
    return `layer '${[this.#layer, ...this.scopes.slice(-1)].join('/')}'`;
  }

  symbol({ shape, dtype }: TensorType): Tensor {
    return new Tensor(null, shape, dtype, defaultBackend(), this);
  }

  record(definition: OperationDefinition, inputs: readonly Tensor[], attributes: unknown): Tensor[] {
    try {
      return definition.infer(inputs, attributes).map((type) => this.symbol(type));
    } catch (error) {
      throw atPlace(error, this.place());
    }
  }
}

class CallRecorder implements Recorder, LayerRecorder {
  readonly #calls = new WeakMap<Tensor, SymbolicCall>();
  #serial = 0;

  place(): string {
    return 'the top of a Functional model';
  }

  /** The call that a symbolic tensor came from; undefined for other tensors. */
  callOf(tensor: Tensor): SymbolicCall | undefined {
    return this.#calls.get(tensor);
  }

  input(type: TensorType, name: string): Tensor {
    return this.#add({ inputs: [], layer: null, run: null, description: name }, [type])[0];
  }

  record(definition: OperationDefinition, inputs: readonly Tensor[], attributes: unknown): Tensor[] {
    this.#checkFixed(definition.type, inputs);
    let types: TensorType[];
    try {
      types = definition.infer(inputs, attributes);
    } catch (error) {
      throw atPlace(error, this.place());
    }
    return this.#add(
      {
        inputs,
        layer: null,
        run: (values, training) => applyInMode(definition, values, attributes, TRAINING_RULES, training),
        description: definition.type,
      },
      types,
    );
  }

  callLayer(layer: Module, inputs: readonly Tensor[]): unknown {
    const { name } = layer.constructor;
    this.#checkFixed(name, inputs);
    const inference = new TypeInference(name);
    const standIns = inputs.map((input) => (input.source === this ? inference.symbol(input) : input));
    let result: unknown;
    try {
      result = noGrad(() => withScopes(layer, inference.scopes, () => layer.forward(...standIns)));
    } catch (error) {
      throw atPlace(error, inference.place());
    }
    const { tensors, structure } = flattenOutputs(result, `What ${name}.forward() returns`);
    const run = (values: readonly Tensor[]) => {
      const outputs = flattenOutputs(layer.forward(...values), `What ${name}.forward() returns`).tensors;
      if (outputs.length === tensors.length) return outputs;
      throw new TraceError(
        'OUTPUT_COUNT',
        `${name}.forward() returned ${outputs.length} tensors, but ${tensors.length} when the Functional model was built. ` +
          'What a layer returns must not depend on the data or the mode.',
      );
    };
    return buildOutputs(structure, this.#add({ inputs, layer, run, description: name }, tensors));
  }

  /** A result would keep the values that the parameters have now; only what a layer computes is computed again. */
  #checkFixed(type: string, inputs: readonly Tensor[]): void {
    if (inputs.every((input) => input.isSymbolic || input.isLeaf)) return;
    throw new TraceError(
      'COMPUTED_PARAMETER',
      `At ${this.place()}, ${type} takes a tensor that was computed from parameters beforehand, so it would not follow their training. ` +
        'Compute it in the forward() of a module and call that with apply().',
    );
  }

  #add(call: Omit<SymbolicCall, 'serial' | 'outputs'>, types: readonly TensorType[]): Tensor[] {
    const outputs = types.map(({ shape, dtype }) => new Tensor(null, shape, dtype, defaultBackend(), this));
    const recorded: SymbolicCall = { ...call, serial: this.#serial++, outputs };
    for (const output of outputs) this.#calls.set(output, recorded);
    return outputs;
  }
}

const recorder = new CallRecorder();

/** The call that a symbolic tensor of a Functional model came from; undefined for other tensors. */
export const callOf = (tensor: Tensor): SymbolicCall | undefined => recorder.callOf(tensor);

export interface InputOptions {
  /** Extents with the batch first; null (or -1) where any size will do. */
  shape: readonly (number | null)[];
  /** Default: float32. */
  dtype?: DType;
  /** Name of the model's input. Default: `input`, or `input_0`, `input_1`, ... by position in the model. */
  name?: string;
}

/**
 * An input of a Functional model: a symbolic tensor to call layers (`layer.apply(x)`), functions and
 * tensor methods on.
 * @throws ShapeError `INVALID_SHAPE`, ValidationError `UNKNOWN_OPTION`, `UNKNOWN_DTYPE` or `BAD_NAME`.
 */
export function input(options: InputOptions): Tensor {
  checkOptions('nn.input', options, ['shape', 'dtype', 'name']);
  const { shape, dtype = 'float32', name = '' } = options ?? {};
  const valid = (extent: unknown) =>
    extent === null || extent === DYNAMIC || (Number.isInteger(extent) && (extent as number) >= 0);
  if (!Array.isArray(shape) || !shape.every(valid)) {
    throw new ShapeError(
      'INVALID_SHAPE',
      `nn.input: ${JSON.stringify(shape)} is not a shape. Give extents such as [null, 3, 224, 224]: whole numbers, or null for any size.`,
      { shape },
    );
  }
  if (!DTYPES.includes(dtype)) {
    throw new ValidationError(
      'UNKNOWN_DTYPE',
      `nn.input: there is no dtype '${String(dtype)}'; choose from ${DTYPES.join(', ')}.`,
    );
  }
  if (typeof name !== 'string') throw new ValidationError('BAD_NAME', 'nn.input: a name is a string.');
  return recorder.input({ shape: shape.map((extent: number | null) => extent ?? DYNAMIC), dtype }, name);
}
