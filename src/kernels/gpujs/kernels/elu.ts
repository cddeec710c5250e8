/** x above zero, alpha (e^x - 1) below. */
import type { KernelAttributes } from '../../contract.js';
import type { ProgramWriter } from '../program.js';
import { exponentialMinusOne } from './functions.js';
import { type PointwiseWriter, pointwise } from './pointwise.js';

const eluFunction =
  ({ alpha }: KernelAttributes['elu']): PointwiseWriter =>
  ([x], y) =>
    `
    let ${y}Below = ${x};
    if (${y}Below > 0) { ${y}Below = 0; }
    ${exponentialMinusOne(`${y}Below`, `${y}Minus`)}
    let ${y} = ${x};
    if (${x} <= 0) { ${y} = ${alpha} * ${y}Minus; }`;

export const elu: ProgramWriter<'elu'> = (inputs, attributes, [output]) =>
  Number.isFinite(attributes.alpha) ? pointwise(eluFunction(attributes), inputs, output) : undefined;
