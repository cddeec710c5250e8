/** The choice between two operands by a condition. */
import type { ProgramWriter } from '../program.js';
import { type PointwiseWriter, pointwise } from './pointwise.js';

const selectFunction: PointwiseWriter = ([condition, a, b], y) =>
  `let ${y} = ${b}; if (${condition} !== 0) { ${y} = ${a}; }`;

export const select: ProgramWriter<'select'> = (inputs, _attributes, [output]) =>
  pointwise(selectFunction, inputs, output);
