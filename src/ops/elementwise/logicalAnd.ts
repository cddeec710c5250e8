/** LogicalAnd: whether both hold. Takes and gives bool; numbers count as true unless they are zero. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary } from './binary.js';
import { cast } from './convert.js';

export const LOGICAL_AND = defineBinary({
  type: 'LogicalAnd',
  function: 'logicalAnd',
  domain: 'bool',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const logicalAnd = (a: Tensor, b: Tensor): Tensor => applyBinary(LOGICAL_AND, cast(a, 'bool'), cast(b, 'bool'));
