/** Tensors on the reference backend, where export and import compute whatever the default backend is. */
import type { DType, TypedArray } from '../kernels/dtype.js';
import { referenceBackend } from '../tensor/backend.js';
import { fromValues } from '../tensor/create.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** Wraps values (taken over, not copied). */
export const hostTensor = (values: TypedArray, shape: Shape, dtype: DType = 'float32'): Tensor =>
  fromValues(values, shape, dtype, { backend: referenceBackend() });
