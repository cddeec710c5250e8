/** What elementwise functions of two tensors share: broadcasting, dtype promotion, scalars, IR form. */
import { applyOne } from '../../autograd/dispatch.js';
import {
  defineOperation,
  type GradientContext,
  type GradientRule,
  kernelCall,
  type OpenvinoForm,
  type OperationDefinition,
  type QuantizationTraits,
} from '../../autograd/operation.js';
import { ValidationError } from '../../errors.js';
import type { BinaryFunction } from '../../kernels/contract.js';
import { type DType, isFloating } from '../../kernels/dtype.js';
import { scalarLike } from '../../tensor/create.js';
import { broadcastShapes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { NO_ATTRIBUTES, type NoAttributes, requireDomain, requireSameDType } from '../checks.js';
import { cast } from './convert.js';

/** A tensor, or a number that takes the dtype of the other operand. */
export type Operand = Tensor | number;

export interface BinaryOptions {
  readonly type: string;
  readonly function: BinaryFunction;
  /** What the gradient rule reads. Absent: not differentiable. */
  readonly saves?: OperationDefinition<NoAttributes>['saves'];
  /** What it takes: numbers (default where it gives numbers), truth values, or both (default where it gives bool). */
  readonly domain?: 'number' | 'bool' | 'any';
  readonly result?: 'bool';
  readonly opset?: string;
  readonly quantization?: QuantizationTraits<NoAttributes>;
}

export type BinaryContext = GradientContext<NoAttributes>;

/** Elementwise operations are written with NumPy broadcasting. */
export const broadcastingForm: OpenvinoForm<NoAttributes> = {
  opset: () => 'opset1',
  data: () => ({ auto_broadcast: 'numpy' }),
  parse: () => NO_ATTRIBUTES,
};

export function defineBinary({
  type,
  function: name,
  saves,
  result,
  domain = result === 'bool' ? 'any' : 'number',
  opset,
  quantization,
}: BinaryOptions): OperationDefinition<NoAttributes> {
  return defineOperation<NoAttributes>({
    type,
    infer([a, b]) {
      const dtype = requireSameDType(type, a, b);
      if (domain !== 'any') requireDomain(type, domain, a);
      return [{ shape: broadcastShapes(a.shape, b.shape, type), dtype: result ?? dtype }];
    },
    lower: () => kernelCall('binary', { function: name }),
    saves,
    openvino: opset === undefined ? broadcastingForm : { ...broadcastingForm, opset },
    quantization,
  });
}

/** The wider of two dtypes: bool < uint8 < int8 < int32 < float32 < float64. */
const PROMOTION: readonly DType[] = ['bool', 'uint8', 'int8', 'int32', 'float32', 'float64'];
const promote = (a: DType, b: DType): DType => PROMOTION[Math.max(PROMOTION.indexOf(a), PROMOTION.indexOf(b))];

/** Gives two operands one dtype, the wider of theirs, and turns numbers into scalars. `where` names the operation in the error. */
export function promoteOperands(where: string, a: Operand, b: Operand): [Tensor, Tensor] {
  const like = typeof a === 'number' ? b : a;
  if (typeof like === 'number') {
    throw new ValidationError('NO_TENSOR', `${where} needs at least one tensor, but got two numbers.`);
  }
  const [left, right] = [a, b].map((operand) => {
    if (typeof operand !== 'number') return operand;
    const fits = isFloating(like.dtype) || (Number.isInteger(operand) && like.dtype !== 'bool');
    return scalarLike(like, operand, fits ? like.dtype : 'float32');
  });
  const dtype = promote(left.dtype, right.dtype);
  return [cast(left, dtype), cast(right, dtype)];
}

/** Applies a binary operation, after promoting dtypes and turning numbers into scalars. */
export const applyBinary = (
  definition: OperationDefinition<NoAttributes>,
  a: Operand,
  b: Operand,
  gradient?: GradientRule<NoAttributes>,
): Tensor => applyOne(definition, promoteOperands(definition.type, a, b), NO_ATTRIBUTES, gradient);
