/**
 * Matrix product on strided views, the inner loop of `matMul` and of every convolution.
 *
 * Both operands are copied ("packed") into double-precision panels first. The innermost loop then reads
 * memory in order, keeps a tile of sums in registers, never converts between float32 and float64, and has
 * one version whatever the dtypes are. Sums are double; a float32 result is rounded once per `DEPTH_BLOCK`
 * terms.
 */
import type { TypedArray } from '../dtype.js';

/** A matrix inside a larger array: element [i, j] is values[offset + i * rowStride + j * columnStride]. */
export interface MatrixView {
  readonly values: TypedArray;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Tile of sums held in registers. 2 x 4 is as fast as 4 x 4 in V8 and wastes less on narrow matrices. */
const TILE_ROWS = 2;
const TILE_COLUMNS = 4;
/** Terms of a sum taken at once, so that a panel of each operand stays in the first-level cache. */
const DEPTH_BLOCK = 512;
/** Rows of the left and columns of the right operand packed at once: a block fits the second-level cache. */
const ROW_BLOCK = 64;
const COLUMN_BLOCK = 256;

// Kept between calls; a product runs to its end before another starts.
const packedLeft = new Float64Array(ROW_BLOCK * DEPTH_BLOCK);
const packedRight = new Float64Array(COLUMN_BLOCK * DEPTH_BLOCK);
const tile = new Float64Array(TILE_ROWS * TILE_COLUMNS);

/** Copies `lanes` rows (or columns) into panels of `width` lanes, element by element of the depth; zeros fill up. */
function pack(
  values: TypedArray,
  offset: number,
  laneStride: number,
  depthStride: number,
  lanes: number,
  depth: number,
  width: number,
  target: Float64Array,
): void {
  for (let lane = 0; lane < lanes; lane += width) {
    const panel = lane * depth;
    for (let inside = 0; inside < width; inside++) {
      let write = panel + inside;
      if (lane + inside < lanes) {
        let read = offset + (lane + inside) * laneStride;
        for (let d = 0; d < depth; d++) {
          target[write] = values[read];
          read += depthStride;
          write += width;
        }
      } else {
        for (let d = 0; d < depth; d++) {
          target[write] = 0;
          write += width;
        }
      }
    }
  }
}

/**
 * The tile of products of one panel of each operand. Written out, with the tile's extents as literals:
 * V8 keeps neither a loop over the tile nor named constants of the module in registers.
 */
function multiplyPanels(
  left: Float64Array,
  leftStart: number,
  right: Float64Array,
  rightStart: number,
  depth: number,
  result: Float64Array,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let p = leftStart;
  let q = rightStart;
  for (let d = 0; d < depth; d++) {
    const b0 = right[q];
    const b1 = right[q + 1];
    const b2 = right[q + 2];
    const b3 = right[q + 3];
    const a0 = left[p];
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = left[p + 1];
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    p += 2;
    q += 4;
  }
  result[0] = s00;
  result[1] = s01;
  result[2] = s02;
  result[3] = s03;
  result[4] = s10;
  result[5] = s11;
  result[6] = s12;
  result[7] = s13;
}

/** c[i, j] += sum over d of a[i, d] b[d, j], for a [rows, depth], b [depth, columns] and c [rows, columns]. */
export function multiplyAdd(
  rows: number,
  columns: number,
  depth: number,
  a: MatrixView,
  b: MatrixView,
  c: MatrixView,
): void {
  for (let d = 0; d < depth; d += DEPTH_BLOCK) {
    const blockDepth = Math.min(DEPTH_BLOCK, depth - d);
    const leftStart = a.offset + d * a.columnStride;
    const rightStart = b.offset + d * b.rowStride;
    for (let column = 0; column < columns; column += COLUMN_BLOCK) {
      const blockColumns = Math.min(COLUMN_BLOCK, columns - column);
      const right = rightStart + column * b.columnStride;
      pack(b.values, right, b.columnStride, b.rowStride, blockColumns, blockDepth, TILE_COLUMNS, packedRight);
      for (let row = 0; row < rows; row += ROW_BLOCK) {
        const blockRows = Math.min(ROW_BLOCK, rows - row);
        // A single block of rows is still packed from the block of columns before.
        if (column === 0 || rows > ROW_BLOCK) {
          const left = leftStart + row * a.rowStride;
          pack(a.values, left, a.rowStride, a.columnStride, blockRows, blockDepth, TILE_ROWS, packedLeft);
        }
        const start = c.offset + row * c.rowStride + column * c.columnStride;
        multiplyBlocks(blockRows, blockColumns, blockDepth, c, start);
      }
    }
  }
}

/** Adds the product of the packed blocks to the part of `c` that starts at `start`. */
function multiplyBlocks(rows: number, columns: number, depth: number, c: MatrixView, start: number): void {
  const { values, rowStride, columnStride } = c;
  for (let column = 0; column < columns; column += TILE_COLUMNS) {
    const tileColumns = Math.min(TILE_COLUMNS, columns - column);
    for (let row = 0; row < rows; row += TILE_ROWS) {
      const tileRows = Math.min(TILE_ROWS, rows - row);
      multiplyPanels(packedLeft, row * depth, packedRight, column * depth, depth, tile);
      for (let i = 0; i < tileRows; i++) {
        let write = start + (row + i) * rowStride + column * columnStride;
        for (let j = 0; j < tileColumns; j++) {
          values[write] += tile[i * TILE_COLUMNS + j];
          write += columnStride;
        }
      }
    }
  }
}
