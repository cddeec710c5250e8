/** Knowing which layer is running while a model's `forward` is recorded, so that nodes and errors can name it. */
import { atPlace } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Module } from './module.js';

/**
 * Runs `body`; meanwhile the last entry of `scopes` is the path (with slashes) of the innermost module
 * below `model` whose `forward` is running, and errors name it. Users go on calling `forward` as ordinary code.
 */
export function withScopes<T>(model: Module, scopes: string[], body: () => T): T {
  const restore: (() => void)[] = [];
  try {
    for (const [path, module] of model.namedModules()) {
      if (path !== '') restore.push(report(module, path.replaceAll('.', '/'), scopes));
    }
    return body();
  } finally {
    for (const undo of restore.reverse()) undo();
  }
}

/** Wraps the `forward` of one module; the result undoes it. */
function report(module: Module, path: string, scopes: string[]): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  const forward = module.forward;
  Object.defineProperty(module, 'forward', {
    configurable: true,
    enumerable: false,
    writable: true,
    value: (...inputs: Tensor[]) => {
      scopes.push(path);
      try {
        return forward.apply(module, inputs);
      } catch (error) {
        throw atPlace(error, `layer '${path}'`);
      } finally {
        scopes.pop();
      }
    },
  });
  return () => {
    if (own) Object.defineProperty(module, 'forward', own);
    else Reflect.deleteProperty(module, 'forward');
  };
}
