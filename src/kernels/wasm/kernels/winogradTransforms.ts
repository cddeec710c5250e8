/**
 * Winograd's minimal filtering F(m x m, 3 x 3): m x m outputs of a 3 x 3 convolution from (m + 2)^2 products instead of
 * 9 m^2 (S. Winograd, 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015).
 * A tile d and a filter g give the outputs A^T ((G g G^T) * (B^T d B)) A, where * multiplies element by element.
 */
import { f32, f32x4, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { multiplyAdd, subtractProduct } from './vectors.js';

type Matrix = readonly (readonly number[])[];

export interface WinogradMatrices {
  /** Outputs along an axis of a tile. */
  readonly outputs: number;
  /** Inputs along an axis of a tile. */
  readonly inputs: number;
  /** Products along an axis of a tile. */
  readonly products: number;
  /** Inputs from one tile to the next. */
  readonly step: number;
  readonly input: Matrix;
  readonly filter: Matrix;
  readonly output: Matrix;
}

/** A quarter of the multiplications, and about ten times the rounding errors. */
export const F4: WinogradMatrices = {
  ...{ outputs: 4, inputs: 6, products: 6, step: 4 },
  input: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ],
  filter: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
  ],
};

/**
 * The same for windows that are two pixels apart: 81 products instead of 144. The outer weights of a window meet every
 * second pixel, which is a convolution with a window of two and stride 1: F(4, 2), five products. The middle ones meet
 * the pixels between: four products of their own.
 */
export const F4_STRIDE_2: WinogradMatrices = {
  ...{ outputs: 4, inputs: 9, products: 9, step: 8 },
  input: [
    [2, 0, -1, 0, -2, 0, 1, 0, 0],
    [0, 0, -2, 0, -1, 0, 1, 0, 0],
    [0, 0, 2, 0, -3, 0, 1, 0, 0],
    [0, 0, -1, 0, 0, 0, 1, 0, 0],
    [0, 0, 2, 0, -1, 0, -2, 0, 1],
    [0, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 1, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 1, 0],
  ],
  filter: [
    [1 / 2, 0, 0],
    [-1 / 2, 0, -1 / 2],
    [-1 / 6, 0, 1 / 6],
    [1 / 6, 0, 1 / 3],
    [0, 0, 1],
    [0, 1, 0],
    [0, 1, 0],
    [0, 1, 0],
    [0, 1, 0],
  ],
  output: [
    [1, 1, 1, 1, 0, 1, 0, 0, 0],
    [0, 1, -1, 2, 0, 0, 1, 0, 0],
    [0, 1, 1, 4, 0, 0, 0, 1, 0],
    [0, 1, -1, 8, 1, 0, 0, 0, 1],
  ],
};

/**
 * The gradient of the input of such a convolution, with one pixel of padding before it: an output's gradient meets every
 * second pixel with the middle weight, and with its neighbour the pixels between with the outer weights.
 */
export const F4_STRIDE_2_GRADIENT: WinogradMatrices = {
  ...{ outputs: 8, inputs: 5, products: 9, step: 4 },
  input: [
    [2, -1, -2, 1, 0],
    [0, -2, -1, 1, 0],
    [0, 2, -3, 1, 0],
    [0, -1, 0, 1, 0],
    [0, 2, -1, -2, 1],
    [1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 1, 0],
  ],
  filter: F4_STRIDE_2.filter,
  output: [
    [0, 0, 0, 0, 0, 1, 0, 0, 0],
    [1, 1, 1, 1, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 1, 0, 0],
    [0, 1, -1, 2, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 1, 0],
    [0, 1, 1, 4, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0, 1, -1, 8, 1, 0, 0, 0, 0],
  ],
};

export const transposed = (matrix: Matrix): Matrix => matrix[0].map((_, column) => matrix.map((row) => row[column]));

interface Term {
  readonly value: V128;
  readonly coefficient: number;
}

const constantSplat = (code: FunctionBuilder, value: number): V128 =>
  code.constant(`splat ${value}`, f32x4.splat(f32.const(value)));

/** The sum of terms; those without a multiplication first, beginning with a positive one if there is one. */
function combination(code: FunctionBuilder, terms: readonly Term[]): V128 {
  const rank = ({ coefficient }: Term): number => (coefficient === 1 ? 0 : coefficient > 0 ? 1 : 2);
  const ordered = terms.filter(({ coefficient }) => coefficient !== 0).sort((a, b) => rank(a) - rank(b));
  if (ordered.length === 0) return constantSplat(code, 0);
  const product = (value: V128, factor: number): V128 =>
    factor === 1 ? value : f32x4.mul(value, constantSplat(code, factor));
  const [first, ...others] = ordered;
  return others.reduce<V128>(
    (sum, { value, coefficient }) => {
      if (coefficient === 1) return f32x4.add(sum, value);
      if (coefficient === -1) return f32x4.sub(sum, value);
      const factor = constantSplat(code, Math.abs(coefficient));
      return coefficient < 0 ? subtractProduct(code, sum, value, factor) : multiplyAdd(code, value, factor, sum);
    },
    product(first.value, first.coefficient),
  );
}

/** Pairs of vectors that agree but for signs, in which both equal and opposite elements occur. */
function signPairs(vectors: readonly (readonly number[])[]): [number, number][] {
  const pairs: [number, number][] = [];
  const used = new Set<number>();
  vectors.forEach((a, i) => {
    const j = vectors.findIndex(
      (b, index) =>
        index > i &&
        !used.has(index) &&
        !used.has(i) &&
        a.every((value, position) => Math.abs(value) === Math.abs(b[position])) &&
        a.some((value, position) => value !== 0 && value === b[position]) &&
        a.some((value, position) => value !== 0 && value === -b[position]),
    );
    if (j < 0) return;
    pairs.push([i, j]);
    used.add(i).add(j);
  });
  return pairs;
}

/**
 * matrix x inputs, one-dimensional. Columns that differ in signs only go in as a sum and a difference, rows that do so
 * come out as the sum and the difference of a common part: about half the operations of the plain product.
 */
function emitProduct(code: FunctionBuilder, matrix: Matrix, inputs: readonly V128[]): Local<'v128'>[] {
  const keep = (value: V128): Local<'v128'> => code.local('v128', value);
  const values = [...inputs];
  const rows = matrix.map((row) => [...row]);
  for (const [i, j] of signPairs(transposed(matrix))) {
    const [a, b] = [inputs[i], inputs[j]];
    values[i] = keep(f32x4.add(a, b));
    values[j] = keep(f32x4.sub(a, b));
    for (const row of rows) {
      const [left, right] = [row[i], row[j]];
      row[i] = left === right ? left : 0;
      row[j] = left === right ? 0 : left;
    }
  }
  const results: Local<'v128'>[] = [];
  const terms = (row: readonly number[], wanted: (column: number) => boolean): Term[] =>
    row.map((coefficient, column) => ({ value: values[column], coefficient: wanted(column) ? coefficient : 0 }));
  for (const [i, j] of signPairs(rows)) {
    const common = keep(
      combination(
        code,
        terms(rows[i], (column) => rows[i][column] === rows[j][column]),
      ),
    );
    const opposite = keep(
      combination(
        code,
        terms(rows[i], (column) => rows[i][column] !== rows[j][column]),
      ),
    );
    results[i] = keep(f32x4.add(common, opposite));
    results[j] = keep(f32x4.sub(common, opposite));
  }
  rows.forEach((row, index) => {
    results[index] ??= keep(
      combination(
        code,
        terms(row, () => true),
      ),
    );
  });
  return results;
}

/**
 * matrix x tile x matrix^T of one tile or of several alike; a tile is a list of rows of vectors. `row` is given each row of
 * the results, of all tiles, when it is made: what is written at once need not be kept.
 */
export function emitTransforms(
  code: FunctionBuilder,
  matrix: Matrix,
  tiles: readonly (readonly (readonly V128[])[])[],
  row: (index: number, rows: readonly (readonly Local<'v128'>[])[]) => void,
): void {
  const columns = tiles.map((tile) =>
    tile[0].map((_, column) =>
      emitProduct(
        code,
        matrix,
        tile.map((values) => values[column]),
      ),
    ),
  );
  for (const index of matrix.keys()) {
    const rows = columns.map((each) =>
      emitProduct(
        code,
        matrix,
        each.map((column) => column[index]),
      ),
    );
    row(index, rows);
  }
}

/** As `emitTransforms`, the results of one tile. */
export function emitTransform(code: FunctionBuilder, matrix: Matrix, tile: readonly (readonly V128[])[]): V128[][] {
  const results: V128[][] = [];
  emitTransforms(code, matrix, [tile], (_, [row]) => results.push([...row]));
  return results;
}
