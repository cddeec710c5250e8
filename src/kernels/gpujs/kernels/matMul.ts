/** Matrix product: one thread computes one element of the product. */
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { broadcastPositions, splitIndex } from './source.js';

export const matMul: ProgramWriter<'matMul'> = ([a, b], { transposeA, transposeB }, [output]) => {
  const rank = output.shape.length;
  const rows = output.shape[rank - 2];
  const columns = output.shape[rank - 1];
  const depth = a.shape[transposeA ? rank - 2 : rank - 1];
  const batch = output.shape.slice(0, -2);
  const source = `function (a, b) {
    ${splitIndex('this.thread.x', columns, 'rowOfAll', 'column')}
    ${splitIndex('rowOfAll', rows, 'batch', 'row')}
    ${broadcastPositions('batch', batch, [a.shape.slice(0, -2), b.shape.slice(0, -2)], ['batchA', 'batchB'])}
    const startA = batchA * ${rows * depth} + ${transposeA ? 'row' : `row * ${depth}`};
    const startB = batchB * ${depth * columns} + ${transposeB ? `column * ${depth}` : 'column'};
    let sum = 0;
    for (let k = 0; k < ${depth}; k++) {
      sum = sum + a[startA + k * ${transposeA ? rows : 1}] * b[startB + k * ${transposeB ? 1 : columns}];
    }
    return sum;
  }`;
  return singleStep(source, [a, b], sizeOf(output.shape));
};
