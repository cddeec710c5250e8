/**
 * Pointwise kernels: each element of the result is a function of one element of each operand, which are broadcast to
 * the result. The function is written once, as statements on variables. `pointwise` makes the program of it alone; a
 * longer program takes the same statements between its own.
 *
 * An operand that is not broadcast is read as `name[this.thread.x]`, by which compile/ sees that the step can be joined
 * with the one that computes the operand.
 */
import type { TensorType } from '../../contract.js';
import { type Program, singleStep, sizeOf } from '../program.js';
import { broadcastPositions } from './source.js';

/**
 * Writes statements that declare `result`, computed from the variables `values`, which it leaves as they are. Names that
 * it declares besides begin with `result`.
 */
export type PointwiseWriter = (values: readonly string[], result: string) => string;

/**
 * The program of a pointwise function.
 * @param shapes The operands' shapes for broadcasting, where they are not the operands' own.
 */
export function pointwise(
  write: PointwiseWriter,
  inputs: readonly TensorType[],
  { shape }: TensorType,
  shapes: readonly (readonly number[])[] = inputs.map((each) => each.shape),
): Program {
  const length = sizeOf(shape);
  const names = inputs.map((_, index) => `x${index}`);
  const moved = shapes.map((_, index) => index).filter((index) => sizeOf(shapes[index]) !== length);
  const positions =
    moved.length === 0
      ? ''
      : broadcastPositions(
          'this.thread.x',
          shape,
          moved.map((index) => shapes[index]),
          moved.map((index) => `position${index}`),
        );
  const reads = names.map((name, index) => {
    const position = moved.includes(index) ? `position${index}` : 'this.thread.x';
    return `const value${index} = ${name}[${position}];`;
  });
  const values = names.map((_, index) => `value${index}`);
  return singleStep(
    `function (${names.join(', ')}) {
    ${positions}
    ${reads.join('\n    ')}
    ${write(values, 'result')}
    return result;
  }`,
    inputs,
    length,
  );
}
