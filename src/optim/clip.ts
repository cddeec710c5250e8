/**
 * Gradient clipping. Everything is computed by kernels: nothing is read back, so clipping does not wait
 * for the backward pass. Each gradient is replaced, never changed in place, because two parameters can
 * share one (both operands of an addition receive the same tensor).
 */
import { BackendError, ValidationError } from '../errors.js';
import type { BinaryFunction, KernelAttributes, KernelName, UnaryFunction } from '../kernels/contract.js';
import { isFloating } from '../kernels/dtype.js';
import { checkOptions } from '../options.js';
import { scalarLike, zeros } from '../tensor/create.js';
import type { Shape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { requireNonNegative } from './checks.js';

export interface ClipGradNormOptions {
  /** Order p of the norm, above 0: 1, 2 or `Infinity` are the usual ones. Default: 2. */
  normType?: number;
}

function run<K extends KernelName>(
  kernel: K,
  inputs: readonly Tensor[],
  attributes: KernelAttributes[K],
  shape: Shape,
  dtype = inputs[0].dtype,
): Tensor {
  const { backend } = inputs[0];
  const operands = inputs.map((input) => ({ storage: input.storage, shape: input.shape, dtype: input.dtype }));
  const [storage] = backend.run(kernel, operands, attributes, [{ shape, dtype }]);
  return new Tensor(storage, shape, dtype, backend);
}

const unary = (x: Tensor, name: UnaryFunction): Tensor => run('unary', [x], { function: name }, x.shape);
/** A function of two tensors, the second of the same shape or a scalar. */
const binary = (a: Tensor, b: Tensor, name: BinaryFunction): Tensor =>
  run('binary', [a, b], { function: name }, a.shape);
const reduce = (x: Tensor, name: 'sum' | 'max'): Tensor =>
  run('reduce', [x], { function: name, axes: x.shape.map((_, axis) => axis) }, []);

/** The p-norm of all elements, as a scalar tensor. */
function norm(x: Tensor, p: number): Tensor {
  if (x.size === 0) return scalarLike(x, 0);
  if (p === 2) return unary(reduce(binary(x, x, 'multiply'), 'sum'), 'sqrt');
  const magnitude = unary(x, 'abs');
  if (p === Number.POSITIVE_INFINITY) return reduce(magnitude, 'max');
  if (p === 1) return reduce(magnitude, 'sum');
  const total = reduce(binary(magnitude, scalarLike(x, p), 'power'), 'sum');
  return binary(total, scalarLike(x, 1 / p), 'power');
}

/** The parameters that have a gradient. */
function withGradients(where: string, parameters: Iterable<Tensor> | Tensor): (Tensor & { grad: Tensor })[] {
  const list = parameters instanceof Tensor ? [parameters] : [...parameters];
  for (const [index, parameter] of list.entries()) {
    if (!(parameter instanceof Tensor)) {
      throw new ValidationError('NOT_PARAMETERS', `${where}: item ${index} is ${String(parameter)}, not a tensor.`);
    }
  }
  const found = [...new Set(list)].filter(
    (parameter): parameter is Tensor & { grad: Tensor } => parameter.grad !== null,
  );
  for (const { grad } of found) {
    if (!isFloating(grad.dtype)) throw new ValidationError('GRADIENT_DTYPE', `${where}: a gradient is ${grad.dtype}.`);
    if (grad.backend !== found[0].grad.backend) {
      throw new BackendError(
        'MIXED_BACKENDS',
        `${where}: the gradients are on different backends (${found[0].grad.backend.name} and ${grad.backend.name}).`,
      );
    }
  }
  return found;
}

/**
 * Scales all gradients together so that their norm, as if they were one vector, is at most `maxNorm`:
 * g min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_.
 *
 * @param parameters Those without a gradient are passed over.
 * @returns The norm before clipping, a scalar; 0 if there is no gradient. A norm that is not finite makes the
 *   gradients NaN or 0; compare it before the step if that can happen.
 * @throws ValidationError for a negative `maxNorm` or an impossible `normType`
 */
export function clipGradNorm(
  parameters: Iterable<Tensor> | Tensor,
  maxNorm: number,
  options: ClipGradNormOptions = {},
): Tensor {
  checkOptions('clipGradNorm', options, ['normType']);
  const { normType = 2 } = options;
  requireNonNegative('clipGradNorm', 'maxNorm', maxNorm);
  if (!(typeof normType === 'number' && normType > 0)) {
    throw new ValidationError(
      'INVALID_OPTION',
      `clipGradNorm: normType is ${String(normType)}; it must be a number above 0 (Infinity for the largest element).`,
      {
        normType,
      },
    );
  }
  const clipped = withGradients('clipGradNorm', parameters);
  if (clipped.length === 0) return zeros([]);
  const convert = (x: Tensor, like: Tensor): Tensor =>
    x.dtype === like.dtype ? x : run('convert', [x], {}, x.shape, like.dtype);
  const norms = clipped.map(({ grad }) => convert(norm(grad, normType), clipped[0].grad));
  const rows = norms.map((each) => new Tensor(each.storage, [1], each.dtype, each.backend));
  const total = norm(run('concat', rows, { axis: 0 }, [rows.length]), normType);
  const scale = binary(scalarLike(total, maxNorm), binary(total, scalarLike(total, 1e-6), 'add'), 'divide');
  const limited = binary(scale, scalarLike(total, 1), 'minimum');
  for (const parameter of clipped)
    parameter.grad = binary(parameter.grad, convert(limited, parameter.grad), 'multiply');
  return total;
}

/**
 * Limits every element of every gradient to [-clipValue, clipValue], as torch.nn.utils.clip_grad_value_.
 *
 * @throws ValidationError for a negative or impossible `clipValue`
 */
export function clipGradValue(parameters: Iterable<Tensor> | Tensor, clipValue: number): void {
  requireNonNegative('clipGradValue', 'clipValue', clipValue);
  for (const parameter of withGradients('clipGradValue', parameters)) {
    const { grad } = parameter;
    parameter.grad = run('clamp', [grad], { min: -clipValue, max: clipValue }, grad.shape);
  }
}
