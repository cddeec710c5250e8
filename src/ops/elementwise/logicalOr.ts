/** LogicalOr: whether at least one holds. Takes and gives bool; numbers count as true unless they are zero. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary } from './binary.js';
import { cast } from './convert.js';

export const LOGICAL_OR = defineBinary({
  type: 'LogicalOr',
  function: 'logicalOr',
  domain: 'bool',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const logicalOr = (a: Tensor, b: Tensor): Tensor => applyBinary(LOGICAL_OR, cast(a, 'bool'), cast(b, 'bool'));
