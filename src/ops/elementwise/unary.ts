/** What elementwise functions of one tensor share. */
import { applyOne } from '../../autograd/dispatch.js';
import {
  defineOperation,
  kernelCall,
  type OpenvinoForm,
  type OperationDefinition,
  type QuantizationTraits,
} from '../../autograd/operation.js';
import type { UnaryFunction } from '../../kernels/contract.js';
import { full } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { NO_ATTRIBUTES, type NoAttributes, requireDomain } from '../checks.js';

export interface UnaryOptions {
  readonly type: string;
  readonly function: UnaryFunction;
  /** What it takes: floating-point values (default), any numbers, or truth values. */
  readonly domain?: 'float' | 'number' | 'bool';
  /** Gradient of x from x, y and the gradient of y. Reads only what `saves` lists. Absent: not differentiable. */
  readonly gradient?: (gradient: Tensor, values: { readonly x: Tensor; readonly y: Tensor }) => Tensor;
  readonly saves?: 'x' | 'y';
  readonly openvino?: OpenvinoForm<NoAttributes>;
  readonly quantization?: QuantizationTraits<NoAttributes>;
}

/** Defines an elementwise function of one tensor. */
export function defineUnary({
  type,
  function: name,
  domain = 'float',
  gradient,
  saves,
  openvino,
  quantization,
}: UnaryOptions): OperationDefinition<NoAttributes> {
  return defineOperation<NoAttributes>({
    type,
    infer([x]) {
      requireDomain(type, domain, x);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    lower: () => kernelCall('unary', { function: name }),
    saves: saves && (saves === 'x' ? { inputs: [0] } : { outputs: [0] }),
    gradient:
      gradient &&
      ((context, [g]) => [
        g &&
          gradient(g, {
            get x() {
              return context.input(0);
            },
            get y() {
              return context.output(0);
            },
          }),
      ]),
    openvino,
    quantization,
  });
}

/** The IR form of an operation that has no attributes. */
export const plainForm = (opset: string): OpenvinoForm<NoAttributes> => ({ opset, parse: () => NO_ATTRIBUTES });

export const applyUnary = (definition: OperationDefinition<NoAttributes>, x: Tensor): Tensor =>
  applyOne(definition, [x], NO_ATTRIBUTES);

/** The gradient of a step function: zero wherever it exists, as PyTorch defines it everywhere. */
export const zeroGradient = (gradient: Tensor): Tensor =>
  full(gradient.shape, 0, { dtype: gradient.dtype, backend: gradient.backend });
