/** Puts axes in another order. */
import { denseStrides } from '../../reference/strides.js';
import type { ProgramWriter } from '../program.js';
import { copyView } from './move.js';

export const transpose: ProgramWriter<'transpose'> = ([x], { order }, [output]) => {
  const strides = denseStrides(x.shape);
  return copyView(x, output, { strides: order.map((axis) => strides[axis]) });
};
