/** Copies to a larger shape by NumPy broadcasting. */
import { broadcastStrides } from '../../reference/strides.js';
import type { ProgramWriter } from '../program.js';
import { copyView } from './move.js';

export const broadcast: ProgramWriter<'broadcast'> = ([x], _attributes, [output]) =>
  copyView(x, output, { strides: broadcastStrides(x.shape, output.shape) });
