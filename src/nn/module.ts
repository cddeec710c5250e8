/**
 * Module: the base class of layers and models. A module is a class whose fields hold parameters,
 * buffers and other modules, and whose `forward` is ordinary code; what it consists of is found by
 * looking at its fields, so there is nothing to register.
 */
import { noGrad } from '../autograd/gradMode.js';
import { ValidationError } from '../errors.js';
// Whoever writes a forward() may chain tensor methods, whatever else is imported.
import '../ops/methods.js';
import { cast } from '../ops/elementwise/convert.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { SymbolicSource, Tensor } from '../tensor/tensor.js';
import { Buffer, Parameter } from './parameter.js';

/** Named tensors: what `stateDict()` gives and a checkpoint holds. */
export type StateDict = ReadonlyMap<string, Tensor>;

export interface LoadStateDictOptions {
  /** Missing and unexpected names are errors. Default: true. Shapes must always fit. */
  strict?: boolean;
}

export interface LoadStateDictResult {
  /** Names the module has and the dictionary lacks. */
  missing: string[];
  /** Names the dictionary has and the module lacks. */
  unexpected: string[];
}

/** Records whole layer calls (the Functional style), rather than single operations. */
export interface LayerRecorder extends SymbolicSource {
  callLayer(layer: Module, inputs: readonly Tensor[]): unknown;
}

const isLayerRecorder = (source: SymbolicSource | null): source is LayerRecorder =>
  source !== null && 'callLayer' in source;

export abstract class Module {
  /** Whether the module trains (batch statistics, dropout). Set by `train()` and `eval()`. */
  training = true;

  /** Computes the outputs from the inputs. */
  abstract forward(...inputs: Tensor[]): unknown;

  /** Calls `forward`; on the symbolic inputs of a Functional model it adds this layer to that model. */
  apply(...inputs: Parameters<this['forward']>): ReturnType<this['forward']> {
    const source = inputs.find((input: Tensor) => input.source !== null)?.source ?? null;
    const result = isLayerRecorder(source) ? source.callLayer(this, inputs) : this.forward(...inputs);
    return result as ReturnType<this['forward']>;
  }

  /** Direct child modules by field name; modules in arrays get `field.index`. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [field, value] of Object.entries(this))
      yield* entries(field, value, Module as abstract new () => Module);
  }

  /** This module and everything below it, each once, by dotted path (the module itself is ''). */
  *namedModules(prefix = '', seen = new Set<Module>()): Generator<[string, Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(join(prefix, name), seen);
  }

  modules(): Module[] {
    return [...this.namedModules()].map(([, module]) => module);
  }

  /** Parameters by dotted path, each once, under the first name it is found by. */
  *namedParameters(): Generator<[string, Parameter]> {
    for (const [name, tensor] of distinct(this.#allTensors())) if (tensor instanceof Parameter) yield [name, tensor];
  }

  /** Buffers by dotted path, each once. */
  *namedBuffers(): Generator<[string, Buffer]> {
    for (const [name, tensor] of distinct(this.#allTensors())) if (tensor instanceof Buffer) yield [name, tensor];
  }

  parameters(): Parameter[] {
    return [...this.namedParameters()].map(([, parameter]) => parameter);
  }

  buffers(): Buffer[] {
    return [...this.namedBuffers()].map(([, buffer]) => buffer);
  }

  /** Switches this module and everything below it to training (or, with false, evaluation). */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Switches gradients of all parameters on or off. */
  requiresGrad_(mode = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = mode;
    return this;
  }

  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /** Parameters and persistent buffers by name, as they are now: later training does not change the result. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.#state().map(([name, tensor]) => [name, tensor.detach()]));
  }

  /**
   * Takes over values by name, all or nothing. Names may also be written PyTorch's way (`running_mean`).
   * @throws ValidationError listing every missing and unexpected name and every shape that does not fit.
   */
  loadStateDict(
    state: StateDict | Readonly<Record<string, Tensor>>,
    options: LoadStateDictOptions = {},
  ): LoadStateDictResult {
    const { strict = true } = options;
    const given = new Map(state instanceof Map ? state : Object.entries(state));
    const own = new Map(this.#state());
    const assignments: [Tensor, Tensor][] = [];
    const wrong: string[] = [];
    const unexpected: string[] = [];
    const found = new Set<string>();
    for (const [givenName, value] of given) {
      const name = own.has(givenName) ? givenName : camelCase(givenName);
      const target = own.get(name);
      if (!target) unexpected.push(givenName);
      else {
        found.add(name);
        if (!sameShape(target.shape, value.shape))
          wrong.push(`${name} has shape ${formatShape(target.shape)}, the given one ${formatShape(value.shape)}`);
        else assignments.push([target, value]);
      }
    }
    const missing = [...own.keys()].filter((name) => !found.has(name));
    const problems = [
      ...wrong.map((text) => `shape mismatch: ${text}`),
      ...(strict && missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
      ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
    ];
    if (problems.length > 0) {
      throw new ValidationError(
        'STATE_DICT_MISMATCH',
        `The state does not fit ${this.constructor.name}; nothing was loaded. ${problems.join('; ')}.`,
        { missing, unexpected },
      );
    }
    noGrad(() => {
      for (const [target, value] of assignments) target.assign_(cast(value, target.dtype));
    });
    return { missing, unexpected };
  }

  /** The tensors of this module itself by name. Modules that do not keep them in fields override this. */
  protected *ownTensors(): Generator<[string, Parameter | Buffer]> {
    for (const [field, value] of Object.entries(this)) {
      yield* entries(field, value, Parameter);
      yield* entries(field, value, Buffer);
    }
  }

  /** Every tensor under every name it has, here and below. */
  *#allTensors(prefix = ''): Generator<[string, Parameter | Buffer]> {
    for (const [name, tensor] of this.ownTensors()) yield [join(prefix, name), tensor];
    for (const [name, child] of this.namedChildren()) yield* child.#allTensors(join(prefix, name));
  }

  /** Every name of every parameter and persistent buffer; a shared one has several. */
  #state(): [string, Tensor][] {
    return [...this.#allTensors()].filter(([, tensor]) => tensor instanceof Parameter || tensor.persistent);
  }
}

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** PyTorch's spelling of a name in ours: running_mean -> runningMean. */
const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Instances of `kind` in a field: itself, or in arrays. */
function* entries<T>(
  name: string,
  value: unknown,
  kind: abstract new (...values: never[]) => T,
): Generator<[string, T]> {
  if (value instanceof kind) yield [name, value];
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* entries(`${name}.${index}`, item, kind);
}

function* distinct<T>(pairs: Iterable<[string, T]>): Generator<[string, T]> {
  const seen = new Set<T>();
  for (const [name, item] of pairs) {
    if (seen.has(item)) continue;
    seen.add(item);
    yield [name, item];
  }
}
