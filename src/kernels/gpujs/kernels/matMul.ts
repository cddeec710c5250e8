/**
 * Matrix product: one thread computes one element of the product, or a chunk of its sum where the sum is
 * long and the product small (chunks.ts).
 */
import { input, type ProgramWriter, type Step, sizeOf } from '../program.js';
import { addChunks, shareOut } from './chunks.js';
import { broadcastPositions, splitIndex } from './source.js';

export const matMul: ProgramWriter<'matMul'> = ([a, b], { transposeA, transposeB }, [output]) => {
  const rank = output.shape.length;
  const rows = output.shape[rank - 2];
  const columns = output.shape[rank - 1];
  const depth = a.shape[transposeA ? rank - 2 : rank - 1];
  const batch = output.shape.slice(0, -2);
  const length = sizeOf(output.shape);
  const { chunk, chunks } = shareOut(depth, 1, length);
  const [stepA, stepB] = [transposeA ? rows : 1, transposeB ? 1 : columns];
  const isWhole = chunks === 1;
  const isEven = chunk * chunks === depth;
  const source = `function (a, b) {
    ${isWhole ? 'const element = this.thread.x;' : splitIndex('this.thread.x', length, 'chunk', 'element')}
    ${splitIndex('element', columns, 'rowOfAll', 'column')}
    ${splitIndex('rowOfAll', rows, 'batch', 'row')}
    ${broadcastPositions('batch', batch, [a.shape.slice(0, -2), b.shape.slice(0, -2)], ['batchA', 'batchB'])}
    ${isWhole ? 'const first = 0;' : `const first = chunk * ${chunk};`}
    const startA = batchA * ${rows * depth} + ${transposeA ? 'row' : `row * ${depth}`} + first * ${stepA};
    const startB = batchB * ${depth * columns} + ${transposeB ? `column * ${depth}` : 'column'} + first * ${stepB};
    let sum = 0;
    for (let k = 0; k < ${chunk}; k++) {
      ${isEven ? '' : `if (first + k < ${depth}) {`}
      sum = sum + a[startA + k * ${stepA}] * b[startB + k * ${stepB}];
      ${isEven ? '' : '}'}
    }
    return sum;
  }`;
  const product: Step = { source, length: length * chunks, arguments: [input(0), input(1)] };
  return isWhole
    ? { steps: [product], outputs: [0] }
    : { steps: [product, { source: addChunks(chunks, length), length, arguments: [{ step: 0 }] }], outputs: [1] };
};
