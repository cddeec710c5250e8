/** Tensors that belong to a module: parameters are trained, buffers (such as running statistics) are not. */
import '../ops/methods.js';
import { Tensor } from '../tensor/tensor.js';

/** A trained tensor of a module. Found by `Module.parameters()` wherever it stands in a module. */
export class Parameter extends Tensor {
  /** @param values Initial values; shared until either tensor changes. @param requiresGrad Default: true. */
  constructor(values: Tensor, requiresGrad = true) {
    super(values.storage, values.shape, values.dtype, values.backend);
    this.requiresGrad = requiresGrad;
  }
}

/** A tensor of a module that is saved with it but not trained. */
export class Buffer extends Tensor {
  /** Whether `stateDict()` includes it. */
  readonly persistent: boolean;

  /** @param persistent Default: true. */
  constructor(values: Tensor, persistent = true) {
    super(values.storage, values.shape, values.dtype, values.backend);
    this.persistent = persistent;
  }
}
