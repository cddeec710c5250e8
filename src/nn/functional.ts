/**
 * The Keras Functional style: a model made of the layers and operations between symbolic inputs and
 * outputs. It is a module like any other; calling it does again what was done with the symbolic tensors.
 */
import { ValidationError } from '../errors.js';
import { checkOptions } from '../options.js';
import { Tensor } from '../tensor/tensor.js';
import { checkInputs, type ModelInput } from './inputs.js';
import { nameLayers, uniqueName } from './layerNames.js';
import { Module } from './module.js';
import { Buffer, Parameter } from './parameter.js';
import { callOf, type SymbolicCall } from './recording.js';
import { buildOutputs, flattenOutputs, type OutputStructure } from './structure.js';

/** One symbolic tensor, several, or several with names. */
export type FunctionalInputs = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

export interface FunctionalOptions {
  /**
   * Where the model begins; usually what `nn.input()` gave, but any symbolic tensor will do. `forward` takes
   * one tensor for each, in this order; the keys of an object name them.
   */
  inputs: FunctionalInputs;
  /** Where it ends: a symbolic tensor, or arrays or plain objects of them. `forward` returns the same structure. */
  outputs: unknown;
  /**
   * Names of layers in the state dictionary. A layer without one is called by its class in lower camel case,
   * numbered from the second on in the order of the calls: `conv2d`, `conv2d_1`. A minifier that renames
   * classes changes such names.
   */
  layers?: Readonly<Record<string, Module>>;
}

/**
 * A model from symbolic inputs to symbolic outputs. A layer called several times is one child, so its
 * parameters are shared. Parameters that operations used directly, outside of any layer, belong to the model
 * as `parameter`, `parameter_1`, ... (buffers as `buffer`, ...).
 */
export class Functional extends Module {
  /** Names and types of what `forward` takes. */
  readonly inputs: readonly ModelInput[];
  readonly #symbols: readonly Tensor[];
  readonly #calls: readonly SymbolicCall[];
  readonly #outputs: readonly Tensor[];
  readonly #structure: OutputStructure;
  readonly #layers: ReadonlyMap<string, Module>;
  readonly #tensors: readonly [string, Parameter | Buffer][];

  /**
   * @throws ValidationError naming an input that no output depends on, an output that does not depend on
   *   the inputs, or a symbolic input that is needed but was not given.
   */
  constructor(options: FunctionalOptions) {
    super();
    checkOptions('Functional', options, ['inputs', 'outputs', 'layers']);
    const given = listInputs(options.inputs);
    const { tensors, names, structure } = flattenOutputs(options.outputs, 'Functional: outputs');
    this.#symbols = given.map(([, tensor]) => tensor);
    this.inputs = given.map(([name, { shape, dtype }]) => ({ name, shape, dtype }));
    this.#outputs = tensors;
    this.#structure = structure;
    this.#calls = collectCalls(given, tensors, names);
    this.#layers = nameLayers(
      this.#calls.flatMap(({ layer }) => layer ?? []),
      options.layers ?? {},
    );
    this.#tensors = [...ownedTensors(this.#calls, this.#layers.values())];
  }

  /** @throws ValidationError or ShapeError if the tensors are not what the model takes. */
  override forward(...inputs: Tensor[]): unknown {
    checkInputs(this.inputs, inputs);
    const values = new Map(this.#symbols.map((symbol, index) => [symbol, inputs[index]]));
    const read = (tensor: Tensor): Tensor => values.get(tensor) ?? tensor;
    for (const call of this.#calls) {
      const results = call.run?.(call.inputs.map(read), this.training) ?? [];
      call.outputs.forEach((output, index) => {
        if (!values.has(output)) values.set(output, results[index]);
      });
    }
    return buildOutputs(this.#structure, this.#outputs.map(read));
  }

  override *namedChildren(): Generator<[string, Module]> {
    yield* this.#layers;
  }

  protected override *ownTensors(): Generator<[string, Parameter | Buffer]> {
    yield* this.#tensors;
  }
}

/** The inputs with their names. */
function listInputs(inputs: FunctionalInputs): [string, Tensor][] {
  const keyed = !(inputs instanceof Tensor || Array.isArray(inputs));
  const entries: [string, unknown][] =
    inputs instanceof Tensor ? [['', inputs]] : inputs && typeof inputs === 'object' ? Object.entries(inputs) : [];
  if (entries.length === 0) {
    throw new ValidationError(
      'NO_INPUTS',
      'Functional: inputs must be at least one symbolic tensor; make one with nn.input({ shape }).',
    );
  }
  const names = new Set<string>();
  const tensors = new Set<Tensor>();
  return entries.map(([key, tensor], index) => {
    const call = tensor instanceof Tensor ? callOf(tensor) : undefined;
    if (!(tensor instanceof Tensor) || !call) {
      throw new ValidationError(
        'NOT_SYMBOLIC',
        `Functional: input ${key === '' ? '' : `'${key}' `}is not a symbolic tensor; make one with nn.input({ shape }).`,
      );
    }
    const own = call.run === null ? call.description : '';
    const name = keyed ? key : own !== '' ? own : entries.length === 1 ? 'input' : `input_${index}`;
    if (names.has(name) || tensors.has(tensor)) {
      throw new ValidationError(
        'REPEATED_INPUT',
        `Functional: input '${name}' is given twice. Give each input once, under its own name.`,
      );
    }
    names.add(name);
    tensors.add(tensor);
    return [name, tensor];
  });
}

/** Every call between inputs and outputs, in the order in which they were made. */
function collectCalls(
  inputs: readonly [string, Tensor][],
  outputs: readonly Tensor[],
  names: readonly string[],
): SymbolicCall[] {
  const begins = new Set(inputs.map(([, tensor]) => tensor));
  const reached = new Set<Tensor>();
  const calls = new Set<SymbolicCall>();
  const stack: [Tensor, string][] = [];
  outputs.forEach((output, index) => {
    if (!output.isSymbolic) {
      throw new ValidationError(
        'DISCONNECTED_OUTPUT',
        `Functional: output '${names[index]}' does not depend on the inputs: it is a tensor with values, not a symbolic one.`,
      );
    }
    stack.push([output, names[index]]);
  });
  for (let item = stack.pop(); item; item = stack.pop()) {
    const [tensor, output] = item;
    if (begins.has(tensor)) {
      reached.add(tensor);
      continue;
    }
    if (!tensor.isSymbolic) continue;
    const call = callOf(tensor);
    if (!call) {
      throw new ValidationError(
        'FOREIGN_SYMBOL',
        `Functional: output '${output}' depends on a symbolic tensor that did not come from nn.input().`,
      );
    }
    if (!call.run) {
      const name = call.description === '' ? tensor.toString() : `'${call.description}'`;
      throw new ValidationError(
        'MISSING_INPUT',
        `Functional: output '${output}' depends on the symbolic input ${name}, which is not among the inputs (${inputs.map(([each]) => each).join(', ')}). Add it to them.`,
      );
    }
    if (calls.has(call)) continue;
    calls.add(call);
    for (const each of call.inputs) stack.push([each, output]);
  }
  for (const [name, tensor] of inputs) {
    if (!reached.has(tensor)) {
      throw new ValidationError(
        'DISCONNECTED_INPUT',
        `Functional: no output depends on input '${name}'. Leave it out, or build the outputs from it.`,
      );
    }
  }
  return [...calls].sort((a, b) => a.serial - b.serial);
}

/** Parameters and buffers that calls used directly and no layer owns, with names. */
function* ownedTensors(
  calls: readonly SymbolicCall[],
  layers: Iterable<Module>,
): Generator<[string, Parameter | Buffer]> {
  const seen = new Set<Tensor>();
  for (const layer of layers) for (const tensor of [...layer.parameters(), ...layer.buffers()]) seen.add(tensor);
  const names = new Set<string>();
  for (const tensor of calls.flatMap(({ inputs }) => inputs)) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    if (tensor instanceof Parameter) yield [uniqueName('parameter', names), tensor];
    else if (tensor instanceof Buffer) yield [uniqueName('buffer', names), tensor];
  }
}
