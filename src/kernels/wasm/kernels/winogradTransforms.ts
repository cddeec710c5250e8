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

const transposes = new WeakMap<Matrix, Matrix>();

/** The same object for the same matrix, so that its product is planned once. */
export function transposed(matrix: Matrix): Matrix {
  let made = transposes.get(matrix);
  if (!made) {
    made = matrix[0].map((_, column) => matrix.map((row) => row[column]));
    transposes.set(matrix, made);
  }
  return made;
}

/** A column, or a sum or difference of two, and what it is multiplied by. */
type Term = readonly [column: number, coefficient: number];

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

/** How a product with a matrix is calculated; `rows` are those that no pair makes. */
interface ProductPlan {
  readonly columnPairs: readonly (readonly [number, number])[];
  readonly rowPairs: readonly {
    readonly pair: readonly [number, number];
    readonly common: readonly Term[];
    readonly opposite: readonly Term[];
  }[];
  readonly rows: readonly { readonly index: number; readonly terms: readonly Term[] }[];
}

/** The terms that are not zero: those without a multiplication first, beginning with a positive one if there is one. */
function termsOf(row: readonly number[], wanted?: (column: number) => boolean): Term[] {
  const rank = ([, coefficient]: Term): number => (coefficient === 1 ? 0 : coefficient > 0 ? 1 : 2);
  return row
    .map((coefficient, column): Term => [column, coefficient])
    .filter(([column, coefficient]) => coefficient !== 0 && (!wanted || wanted(column)))
    .sort((a, b) => rank(a) - rank(b));
}

/**
 * Columns that differ in signs only go in as a sum and a difference, rows that do so come out as the sum and the
 * difference of a common part: about half the operations of the plain product.
 */
function planProduct(matrix: Matrix): ProductPlan {
  const rows = matrix.map((row) => [...row]);
  const columnPairs = signPairs(transposed(matrix));
  for (const [i, j] of columnPairs) {
    for (const row of rows) {
      const [left, right] = [row[i], row[j]];
      row[i] = left === right ? left : 0;
      row[j] = left === right ? 0 : left;
    }
  }
  const rowPairs = signPairs(rows).map(([i, j]) => ({
    pair: [i, j] as const,
    common: termsOf(rows[i], (column) => rows[i][column] === rows[j][column]),
    opposite: termsOf(rows[i], (column) => rows[i][column] !== rows[j][column]),
  }));
  const paired = new Set(rowPairs.flatMap(({ pair }) => pair));
  const single = rows.flatMap((row, index) => (paired.has(index) ? [] : [{ index, terms: termsOf(row) }]));
  return { columnPairs, rowPairs, rows: single };
}

const plans = new WeakMap<Matrix, ProductPlan>();

function productPlan(matrix: Matrix): ProductPlan {
  let plan = plans.get(matrix);
  if (!plan) {
    plan = planProduct(matrix);
    plans.set(matrix, plan);
  }
  return plan;
}

const constantSplat = (code: FunctionBuilder, value: number): V128 =>
  code.constant(`splat ${value}`, f32x4.splat(f32.const(value)));

function combination(code: FunctionBuilder, values: readonly V128[], terms: readonly Term[]): V128 {
  if (terms.length === 0) return constantSplat(code, 0);
  let sum: V128 | null = null;
  for (const [column, coefficient] of terms) {
    const value = values[column];
    if (sum === null) sum = coefficient === 1 ? value : f32x4.mul(value, constantSplat(code, coefficient));
    else if (coefficient === 1) sum = f32x4.add(sum, value);
    else if (coefficient === -1) sum = f32x4.sub(sum, value);
    else {
      const factor = constantSplat(code, Math.abs(coefficient));
      sum = coefficient < 0 ? subtractProduct(code, sum, value, factor) : multiplyAdd(code, value, factor, sum);
    }
  }
  return sum as V128;
}

/** matrix x inputs, one-dimensional. */
function emitProduct(code: FunctionBuilder, matrix: Matrix, inputs: readonly V128[]): Local<'v128'>[] {
  const { columnPairs, rowPairs, rows } = productPlan(matrix);
  const values = [...inputs];
  for (const [i, j] of columnPairs) {
    values[i] = code.local('v128', f32x4.add(inputs[i], inputs[j]));
    values[j] = code.local('v128', f32x4.sub(inputs[i], inputs[j]));
  }
  const results: Local<'v128'>[] = [];
  for (const { pair, common, opposite } of rowPairs) {
    const a = code.local('v128', combination(code, values, common));
    const b = code.local('v128', combination(code, values, opposite));
    results[pair[0]] = code.local('v128', f32x4.add(a, b));
    results[pair[1]] = code.local('v128', f32x4.sub(a, b));
  }
  for (const { index, terms } of rows) results[index] = code.local('v128', combination(code, values, terms));
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
