/**
 * The elementwise functions that stand between convolutions in most networks, so that a chain of
 * them does not leave the device. Functions whose shader versions are only roughly accurate
 * (exp, tanh and their like) are left to the reference kernels.
 */
import type { BinaryFunction, UnaryFunction } from '../../contract.js';
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { broadcastPositions } from './source.js';

/** Statements that return the function of `value`. */
const UNARY: Partial<Record<UnaryFunction, string>> = {
  relu: 'if (value <= 0) { return 0; } return value;',
  abs: 'return Math.abs(value);',
  negative: 'return -value;',
};

/** Operators by their function. */
const BINARY: Partial<Record<BinaryFunction, string>> = {
  add: '+',
  subtract: '-',
  multiply: '*',
  divide: '/',
};

export const unary: ProgramWriter<'unary'> = ([x], { function: name }, [output]) => {
  const body = UNARY[name];
  if (body === undefined) {
    return undefined;
  }
  return singleStep(`function (x) { const value = x[this.thread.x]; ${body} }`, [x], sizeOf(output.shape));
};

export const binary: ProgramWriter<'binary'> = ([a, b], { function: name }, [output]) => {
  const operator = BINARY[name];
  if (operator === undefined) {
    return undefined;
  }
  const source = `function (a, b) {
    ${broadcastPositions('this.thread.x', output.shape, [a.shape, b.shape], ['positionA', 'positionB'])}
    return a[positionA] ${operator} b[positionB];
  }`;
  return singleStep(source, [a, b], sizeOf(output.shape));
};
