/** What tests of threads share. */
import type { Worker } from 'node:worker_threads';
import { expect } from 'vitest';
import type { Operand, Storage } from '../../../../src/kernels/contract.js';
import type { TypedArray } from '../../../../src/kernels/dtype.js';
import { WasmBackend, type WasmOptions } from '../../../../src/kernels/wasm/backend.js';

/** A backend whose threads run and share every phase that has two units, however small. */
export async function withThreads(threads: number, options: WasmOptions = {}): Promise<WasmBackend> {
  const backend = WasmBackend.create({ minimumShared: 0, ...options });
  await backend.setThreads(threads);
  expect(backend.info().threads).toBe(threads);
  return backend;
}

export const bitsOf = ({ buffer, byteOffset, byteLength }: TypedArray): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

export interface Sum {
  readonly storage: Storage;
  /** Number of elements that are not what they should be. */
  wrong(): number;
}

/** Adds two arrays; a unit of that kernel has 4096 elements. */
export function addArrays(backend: WasmBackend, length: number): Sum {
  const shape = [length];
  const operand = (factor: number): Operand => ({
    shape,
    dtype: 'float32',
    storage: backend.upload(
      Float32Array.from({ length }, (_, index) => index * factor),
      'float32',
    ),
  });
  const [storage] = backend.run('binary', [operand(0.25), operand(-1)], { function: 'add' }, [
    { shape, dtype: 'float32' },
  ]);
  return {
    storage,
    wrong: () => {
      const values = backend.readSync(storage);
      let count = 0;
      for (let index = 0; index < length; index++) if (values[index] !== index * -0.75) count++;
      return count;
    },
  };
}

/** The threads that Node starts from now on. */
export function watchWorkers(): { readonly workers: Worker[]; restore(): void } {
  const module = process.getBuiltinModule('node:worker_threads') as { Worker: typeof Worker };
  const original = module.Worker;
  const workers: Worker[] = [];
  module.Worker = class extends original {
    constructor(...values: ConstructorParameters<typeof Worker>) {
      super(...values);
      workers.push(this);
    }
  };
  return {
    workers,
    restore: () => {
      module.Worker = original;
    },
  };
}
