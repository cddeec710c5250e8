/** Kernels whose result is a strided view of their input: one read for each element. */
import type { TensorType } from '../../contract.js';
import { type Program, singleStep, sizeOf } from '../program.js';
import { type Strided, stridedPositions } from './source.js';

/** The program that copies a strided view of `x`, which lies wholly inside it, to the output. */
export function copyView(x: TensorType, { shape }: TensorType, view: Strided): Program {
  const declared = stridedPositions('this.thread.x', shape, [view], ['position']);
  // A copy in order is read so that compile/ sees it: see pointwise.ts.
  const source =
    declared === 'const position = this.thread.x;'
      ? 'function (x) { return x[this.thread.x]; }'
      : `function (x) {
    ${declared}
    return x[position];
  }`;
  return singleStep(source, [x], sizeOf(shape));
}
