/**
 * The matrix product at the heart of matMul and the convolutions: output (+)= left right, on blocks that lie in the
 * caches. A tile of the output stays in registers while the loop runs over the depth.
 *
 * The tile decides the speed. V8 before version 12 loads everything a loop body needs before it calculates, so the
 * accumulators, one column of the left and one row of the right must fit 15 registers: 4 x 8. Where the engine joins
 * vectors to 256 bits, twice the width uses them.
 */
import { f32, f32x4, i32, type V128, v128 } from '../assembler/instructions.js';
import type { ModuleBuilder } from '../assembler/module.js';
import type { KernelOptions } from '../kernel.js';
import { constant, evenBlock, FLOAT, roundUp, times } from './spans.js';
import { multiplyAdd } from './vectors.js';

interface Tile {
  /** Width of the tile in vectors of four columns. */
  readonly vectors: number;
}

const tileOf = ({ wide }: KernelOptions): Tile => ({ vectors: wide ? 4 : 2 });

/** Columns of a tile, which are the height of a panel of the right matrix. */
export const tileColumns = (options: KernelOptions): number => 4 * tileOf(options).vectors;

/** Rows of every tile. */
export const TILE_ROWS = 4;
/** Columns of the widest tile: matrices have room for a multiple of this. */
export const TILE_COLUMNS = 16;

/** Steps of depth in a block: a block's row of tiles on the right (64 bytes a step) then fills half the first-level cache. */
export const DEPTH_BLOCK = 256;
/** Rows and columns of a block of the output at most. */
export const ROW_BLOCK = 128;
export const COLUMN_BLOCK = 128;

/**
 * Floats from one row to the next of a matrix in scratch memory with `columns` columns: an odd number of cache lines,
 * so that a column does not fall on a few sets of the cache.
 */
export function paddedStride(columns: number): number {
  const lines = Math.ceil(columns / 16);
  return 16 * (lines % 2 === 0 ? lines + 1 : lines);
}

export interface GemmLayout {
  readonly options: KernelOptions;
  /** Floats between rows of the left matrix, or null for panels as `definePanelPacking` makes them. */
  readonly leftStride: number | null;
  /** Floats between steps of depth of the right matrix, or null for panels of `tileColumns`. */
  readonly rightStride: number | null;
  readonly outputStride: number;
}

/**
 * Defines `gemm(left, right, output, rows, columns, depth, first)`. `first` stores, otherwise the product is added to
 * the output. Rows and columns are rounded up to whole tiles: the matrices must have room for that.
 */
export function defineGemm(module: ModuleBuilder, name: string, layout: GemmLayout): number {
  const { options, leftStride, rightStride, outputStride } = layout;
  const tile = tileOf(options);
  const width = 4 * tile.vectors;
  const rowBytes = leftStride === null ? FLOAT : leftStride * FLOAT;
  const rightStep = (rightStride ?? width) * FLOAT;
  const stepBytes = leftStride === null ? TILE_ROWS * FLOAT : FLOAT;
  const parameters = {
    left: 'i32',
    right: 'i32',
    output: 'i32',
    rows: 'i32',
    columns: 'i32',
    depth: 'i32',
    first: 'i32',
  } as const;
  return module.function(name, parameters, (code, { left, right, output, rows, columns, depth, first }) => {
    const leftPanel = code.local('i32');
    const target = code.local('i32');
    const row = code.local('i32');
    const l = code.local('i32');
    const r = code.local('i32');
    const depthBytes = code.local('i32', times(depth, stepBytes));
    const end = code.local('i32');
    const a = code.local('v128');
    // One zero for all: vectors with different ones are not joined.
    const zero = code.local('v128', f32x4.splat(f32.const(0)));
    const b = Array.from({ length: tile.vectors }, () => code.local('v128'));
    const sums = Array.from({ length: TILE_ROWS }, () => b.map(() => code.local('v128')));
    const store = (value: (row: number, vector: number) => V128): void => {
      for (let i = 0; i < TILE_ROWS; i++) {
        for (let j = 0; j < tile.vectors; j += 2) {
          code.do(v128.storePair(target, value(i, j), value(i, j + 1), i * outputStride * FLOAT + 16 * j));
        }
      }
    };
    const step = (): void => {
      b.forEach((vector, j) => {
        code.set(vector, v128.load(r, 16 * j));
      });
      sums.forEach((rowSums, i) => {
        code.set(a, v128.load32Splat(l, i * rowBytes));
        rowSums.forEach((sum, j) => {
          code.set(sum, multiplyAdd(code, a, b[j], sum));
        });
      });
      code.increase(l, stepBytes);
      code.increase(r, rightStep);
    };
    code.if(i32.and(i32.gtS(rows, constant(0)), i32.gtS(columns, constant(0))), () =>
      code.doWhile(
        () => {
          code.set(leftPanel, left);
          code.set(target, output);
          code.set(row, rows);
          code.doWhile(
            () => {
              for (const sum of sums.flat()) code.set(sum, zero);
              code.set(l, leftPanel);
              code.set(r, right);
              code.set(end, i32.add(l, depthBytes));
              code.if(depth, () => code.doWhile(step, () => i32.ne(l, end)));
              code.if(
                first,
                () => store((i, j) => sums[i][j]),
                () => store((i, j) => f32x4.add(v128.load(target, i * outputStride * FLOAT + 16 * j), sums[i][j])),
              );
              code.increase(leftPanel, leftStride === null ? times(depthBytes, 1) : TILE_ROWS * rowBytes);
              code.increase(target, TILE_ROWS * outputStride * FLOAT);
              code.increase(row, -TILE_ROWS);
            },
            () => i32.gtS(row, constant(0)),
          );
          code.increase(right, rightStride === null ? times(depth, width * FLOAT) : width * FLOAT);
          code.increase(output, width * FLOAT);
          code.increase(columns, -width);
        },
        () => i32.gtS(columns, constant(0)),
      ),
    );
  });
}

/** Rows of a block, `most` or fewer: where there would else be too few blocks for several threads. */
export function chooseRowBlock(rows: number, otherItems: number, most = ROW_BLOCK): number {
  let block = evenBlock(rows, most, TILE_ROWS);
  while (block > 8 * TILE_ROWS && otherItems * Math.ceil(rows / block) < 8) {
    block = evenBlock(rows, Math.floor(block / 2), TILE_ROWS);
  }
  return block;
}

/** Floats of a left block in panels. */
export const panelFloats = (rows: number, depth: number): number => roundUp(rows, TILE_ROWS) * depth;
