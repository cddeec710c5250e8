/**
 * FakeQuantize as it is trained: NNCF's quantizers, which round to a grid that always holds zero.
 * Forward: y = round((clamp(x, low, low + range) - low) s - z) / s, s = (levels - 1) / range,
 * z = round(-low s), half to even. Backward: straight-through for x; the ranges' gradients are NNCF's
 * (docs/quantization.md has the formulas and their sources).
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, kernelCall } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { formatShape, normalizeAxes, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { NO_ATTRIBUTES, requireFloat, requireSameDType } from '../checks.js';
