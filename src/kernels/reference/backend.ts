/**
 * The reference backend: every kernel in plain TypeScript on typed arrays, in float32 or float64.
 * It defines what the other backends must compute, so its kernels are written to be read first and
 * to be fast second.
 */
import { BackendError } from '../../errors.js';
import type { Backend, KernelAttributes, KernelName, Operand, Storage, TensorType } from '../contract.js';
import { allocateArray, type DType, type TypedArray } from '../dtype.js';
import type { HostOperand } from './kernel.js';
import { referenceKernel } from './kernels.js';

/** Storage of the reference backend: the values themselves. */
interface HostStorage extends Storage {
  readonly values: TypedArray;
}

const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** Runs one reference kernel on host arrays and returns its outputs. Other backends fall back on this. */
export function runReferenceKernel<K extends KernelName>(
  kernel: K,
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
): TypedArray[] {
  const results = outputs.map((type) => ({ ...type, values: allocateArray(type.dtype, size(type.shape)) }));
  referenceKernel(kernel)(inputs, attributes, results);
  return results.map((result) => result.values);
}

export class ReferenceBackend implements Backend {
  readonly name = 'reference';
  readonly synchronous = true;
  readonly inHostMemory = true;

  supportsDType(_dtype: DType): boolean {
    return true;
  }

  upload(values: TypedArray, dtype: DType): Storage {
    const storage: HostStorage = { dtype, length: values.length, values };
    return storage;
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage).slice();
  }

  readSync(storage: Storage): TypedArray {
    const { values } = storage as HostStorage;
    if (values === undefined) {
      throw new BackendError(
        'FOREIGN_STORAGE',
        'This tensor lives on another backend; move it with tensor.to(backend) first.',
      );
    }
    return values;
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): Storage[] {
    const operands = inputs.map(({ storage, shape, dtype }) => ({ shape, dtype, values: this.readSync(storage) }));
    return runReferenceKernel(kernel, operands, attributes, outputs).map((values, index) =>
      this.upload(values, outputs[index].dtype),
    );
  }
}
