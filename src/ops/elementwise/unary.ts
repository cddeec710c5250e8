/** What elementwise functions of one tensor share. */
import { applyOne } from '../../autograd/dispatch.js';
import {
  defineOperation,
  type GradientRule,
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
  /** What the gradient rule reads: the input, the result or neither. Absent: not differentiable. */
  readonly saves?: 'x' | 'y' | 'nothing';
  readonly openvino?: OpenvinoForm<NoAttributes>;
  readonly quantization?: QuantizationTraits<NoAttributes>;
}

const SAVED = { x: { inputs: [0] }, y: { outputs: [0] }, nothing: {} } as const;

/** Defines an elementwise function of one tensor. */
export function defineUnary({
  type,
  function: name,
  domain = 'float',
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
    saves: saves && SAVED[saves],
    openvino,
    quantization,
  });
}

/** The IR form of an operation that has no attributes. */
export const plainForm = (opset: string): OpenvinoForm<NoAttributes> => ({ opset, parse: () => NO_ATTRIBUTES });

export const applyUnary = (
  definition: OperationDefinition<NoAttributes>,
  x: Tensor,
  gradient?: GradientRule<NoAttributes>,
): Tensor => applyOne(definition, [x], NO_ATTRIBUTES, gradient);

/** The gradient of a step function: zero wherever it exists, as PyTorch defines it everywhere. */
export const zeroGradient: GradientRule<NoAttributes> = (_context, [g]) => [
  g && full(g.shape, 0, { dtype: g.dtype, backend: g.backend }),
];
