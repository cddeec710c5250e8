/** Matrix product with batch axes that broadcast, on the shared packed inner loop. */
import { multiplyAdd } from './gemm.js';
import type { HostOperand, ReferenceKernel } from './kernel.js';
import { broadcastStrides, forEachRow, sizeOf } from './strides.js';

/** Strides of the rows and columns of an operand's matrices, after the transposition. */
function matrixStrides({ shape }: HostOperand, transposed: boolean): { rowStride: number; columnStride: number } {
  const width = shape[shape.length - 1];
  return transposed ? { rowStride: 1, columnStride: width } : { rowStride: width, columnStride: 1 };
}

export const matMul: ReferenceKernel<'matMul'> = ([a, b], { transposeA, transposeB }, [c]) => {
  const rank = c.shape.length;
  const columns = c.shape[rank - 1];
  const depth = a.shape[transposeA ? rank - 2 : rank - 1];
  let rows = c.shape[rank - 2];
  let batch = c.shape.slice(0, -2);
  // One right matrix for the whole batch: the rows of all left matrices lie behind each other in memory,
  // so that the batch is one tall product.
  const sharedRight = sizeOf(b.shape.slice(0, -2)) === 1;
  if (sharedRight && !transposeA) {
    rows *= sizeOf(batch);
    batch = [];
  }
  const left = matrixStrides(a, transposeA);
  const right = matrixStrides(b, transposeB);
  const batchStrides = [a, b, c].map(({ shape }) => {
    const matrix = shape[rank - 2] * shape[rank - 1];
    return broadcastStrides(shape.slice(0, -2), c.shape.slice(0, -2)).map((stride) => stride * matrix);
  });
  const walk = { outer: batch, outerStrides: batchStrides, length: 1, strides: [] };
  forEachRow(walk, ([offsetA, offsetB, offsetC]) => {
    multiplyAdd(
      rows,
      columns,
      depth,
      { values: a.values, offset: offsetA, ...left },
      { values: b.values, offset: offsetB, ...right },
      { values: c.values, offset: offsetC, rowStride: columns, columnStride: 1 },
    );
  });
};
