/** Modules that run one after the other. */
import { ValidationError } from '../errors.js';
import { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/**
 * Gives the result of each module to the next. Its children are called '0', '1', ..., as PyTorch's, so
 * that state dictionaries have names such as `0.weight`. With no modules it is the identity.
 */
export class Sequential extends Module {
  readonly #modules: Module[] = [];

  /** @throws ValidationError for an argument that is not a module. */
  constructor(...modules: Module[]) {
    super();
    for (const module of modules) this.append(module);
  }

  /** @throws ValidationError naming a module that returns something other than one tensor. */
  override forward(input: Tensor): Tensor {
    let value = input;
    for (const [index, module] of this.#modules.entries()) {
      const result = module.forward(value);
      if (!(result instanceof Tensor)) {
        throw new ValidationError(
          'NOT_A_TENSOR',
          `Sequential: module ${index} (${module.constructor.name}) returned something other than one tensor, ` +
            'which the next module could not take. Write a class whose forward() picks the tensor to go on with.',
        );
      }
      value = result;
    }
    return value;
  }

  /** Adds a module at the end. */
  append(module: Module): this {
    if (!(module instanceof Module)) {
      throw new ValidationError(
        'NOT_A_MODULE',
        `Sequential: module ${this.length} is not a module. Give layers, such as new nn.ReLU(), as separate arguments.`,
      );
    }
    this.#modules.push(module);
    return this;
  }

  get length(): number {
    return this.#modules.length;
  }

  /** The module at `index`, which may count from the end; undefined if there is none. */
  at(index: number): Module | undefined {
    return this.#modules.at(index);
  }

  [Symbol.iterator](): IterableIterator<Module> {
    return this.#modules.values();
  }

  override *namedChildren(): Generator<[string, Module]> {
    for (const [index, module] of this.#modules.entries()) yield [String(index), module];
  }
}
