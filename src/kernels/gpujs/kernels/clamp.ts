/** min(max(x, min), max), by comparisons that leave NaN alone. */
import type { KernelAttributes } from '../../contract.js';
import type { ProgramWriter } from '../program.js';
import { type PointwiseWriter, pointwise } from './pointwise.js';
import { MAX_LENGTH } from './source.js';

const clampFunction =
  ({ min, max }: KernelAttributes['clamp']): PointwiseWriter =>
  ([x], y) => {
    // An infinite limit has no literal, and limits nothing but what lies at the other end of the numbers.
    const upper = max === Number.POSITIVE_INFINITY ? '' : `if (${y} > ${max}) { ${y} = ${max}; }`;
    const lower = min === Number.NEGATIVE_INFINITY ? '' : `if (${y} <= ${min}) { ${y} = ${min}; }`;
    return `let ${y} = ${x}; ${upper} ${lower}`;
  };

/** Limits that are not numbers, lie wholly outside them, or are broken for integers, are left to the reference kernel. */
export const clamp: ProgramWriter<'clamp'> = (inputs, attributes, [output]) => {
  const { min, max } = attributes;
  const isOrdinary = min <= max && min < Number.POSITIVE_INFINITY && max > Number.NEGATIVE_INFINITY;
  const isWhole = [min, max].every((limit) => Math.abs(limit) < MAX_LENGTH && Number.isInteger(limit));
  return isOrdinary && (output.dtype === 'float32' || (output.dtype === 'int32' && isWhole))
    ? pointwise(clampFunction(attributes), inputs, output)
    : undefined;
};
