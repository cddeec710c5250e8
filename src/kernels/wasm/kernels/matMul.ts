/** Matrix product with batch axes that broadcast: blocks of both operands are packed, multiplied and copied out. */
import { type I32, i32 } from '../assembler/instructions.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import {
  COLUMN_BLOCK,
  chooseRowBlock,
  DEPTH_BLOCK,
  defineGemm,
  paddedStride,
  panelFloats,
  ROW_BLOCK,
  TILE_COLUMNS,
  TILE_ROWS,
  tileColumns,
} from './gemm.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout, zerosCall } from './lanes.js';
import { defineCopy, definePanelPacking } from './movement.js';
import { stridesUnder } from './rowPlan.js';
import { constant, emitBlocks, evenBlock, floatAt, minimum, roundUp } from './spans.js';

const PARAMETERS = kernelParameters(['a', 'b', 'c', 'scratch']);

export const matMul: WasmKernel<'matMul'> = ([a, b], { transposeA, transposeB }, [c]) => {
  if (![a, b, c].every(({ dtype }) => dtype === 'float32')) return null;
  if (sizeOf(a.shape) === 0 || sizeOf(b.shape) === 0) return zerosCall(2, c);
  const rank = c.shape.length;
  const columns = c.shape[rank - 1];
  const depth = a.shape[transposeA ? rank - 2 : rank - 1];
  let rows = c.shape[rank - 2];
  let batch = c.shape.slice(0, -2);
  // With one right matrix for all, the left matrices lie behind each other and are one tall matrix.
  if (sizeOf(b.shape.slice(0, -2)) === 1 && !transposeA) {
    rows *= sizeOf(batch);
    batch = [];
  }
  const [leftBatch, rightBatch] = [a, b].map(({ shape }) => stridesUnder(shape.slice(0, -2), batch));
  // Both operands are packed anew for each block, so that blocks are larger than where one of them is at hand.
  let columnBlock = evenBlock(columns, 2 * COLUMN_BLOCK, TILE_COLUMNS);
  const rowBlock = chooseRowBlock(rows, sizeOf(batch) * Math.ceil(columns / columnBlock), 4 * ROW_BLOCK);
  // Narrower blocks where there would be too few for several threads.
  while (
    columnBlock > 2 * TILE_COLUMNS &&
    sizeOf(batch) * Math.ceil(rows / rowBlock) * Math.ceil(columns / columnBlock) < 8
  ) {
    columnBlock = evenBlock(columns, columnBlock / 2, TILE_COLUMNS);
  }
  const depthBlock = evenBlock(depth, DEPTH_BLOCK, 1);
  const grid = [...batch, Math.ceil(rows / rowBlock), Math.ceil(columns / columnBlock)];
  const items = sizeOf(grid);
  // A block of whole tiles needs no detour on its way to the output.
  const direct = rows % rowBlock === 0 && columns % columnBlock === 0;
  const stride = paddedStride(columnBlock);
  const scratchLayout = new ScratchLayout({
    left: panelFloats(rowBlock, depthBlock),
    right: depthBlock * roundUp(columnBlock, TILE_COLUMNS),
    product: direct ? 0 : roundUp(rowBlock, TILE_ROWS) * stride,
  });
  const shapes = [a.shape, b.shape].map((shape) => shape.join('x'));
  return {
    key: `matMul ${shapes.join(' ')} ${transposeA} ${transposeB}`,
    phases: [{ name: 'multiply', units: laneCount(items, scratchLayout.bytes), cost: sizeOf(c.shape) * depth }],
    scratchBytes: laneCount(items, scratchLayout.bytes) * scratchLayout.bytes,
    build(module, options) {
      const packLeft = definePanelPacking(module, 'pack left', {
        sourceStride: transposeA ? rows : depth,
        transposed: transposeA,
        height: TILE_ROWS,
      });
      const packRight = definePanelPacking(module, 'pack right', {
        sourceStride: transposeB ? depth : columns,
        transposed: !transposeB,
        height: tileColumns(options),
      });
      const gemm = defineGemm(module, 'gemm', {
        options,
        leftStride: null,
        rightStride: null,
        outputStride: direct ? columns : stride,
      });
      const copyOut = defineCopy(module, 'copy out', stride, columns);
      module.function('multiply', PARAMETERS, (code, parameters) => {
        emitLanes(code, parameters, items, scratchLayout.bytes, (base, forItems) => {
          const { left, right, product } = scratchLayout.locals(code, base);
          forItems((item) => {
            const positions = emitPositions(code, item, grid);
            const [rowIndex, columnIndex] = positions.slice(-2);
            const row = code.local('i32', i32.mul(rowIndex, constant(rowBlock)));
            const column = code.local('i32', i32.mul(columnIndex, constant(columnBlock)));
            const rowsHere = code.local('i32', minimum(constant(rowBlock), i32.sub(constant(rows), row)));
            const columnsHere = code.local('i32', minimum(constant(columnBlock), i32.sub(constant(columns), column)));
            const matrix = (address: I32, strides: readonly number[], size: number): I32 =>
              floatAt(address, ...strides.map((step, axis) => [positions[axis], step * size] as const));
            const leftMatrix = code.local('i32', matrix(parameters.a, leftBatch, rows * depth));
            const rightMatrix = code.local('i32', matrix(parameters.b, rightBatch, depth * columns));
            const outputBatch = stridesUnder(batch, batch);
            const block = floatAt(matrix(parameters.c, outputBatch, rows * columns), [row, columns], [column, 1]);
            const target = code.local('i32', block);
            emitBlocks(code, depth, depthBlock, (start, length) => {
              const leftStrides = transposeA ? [1, rows] : [depth, 1];
              const rightStrides = transposeB ? [1, depth] : [columns, 1];
              const leftBlock = floatAt(leftMatrix, [row, leftStrides[0]], [start, leftStrides[1]]);
              const rightBlock = floatAt(rightMatrix, [start, rightStrides[0]], [column, rightStrides[1]]);
              code.call(packLeft, leftBlock, left, rowsHere, length);
              code.call(packRight, rightBlock, right, columnsHere, length);
              const output = direct ? target : product;
              code.call(gemm, left, right, output, rowsHere, columnsHere, length, i32.eqz(start));
            });
            if (!direct) code.call(copyOut, product, target, rowsHere, columnsHere);
          });
        });
      });
    },
  };
};
