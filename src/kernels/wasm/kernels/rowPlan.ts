/**
 * How elementwise loops with broadcasting go over their operands. Axes that all operands walk alike are merged, which
 * leaves rows along which an operand moves by one element or stays. A cell is what shares the operands that stay: a row,
 * a block of a long one, or, of short ones, as many along the first axis as make up a good length. Cells are what sums
 * are made of, and some neighbouring cells are a unit of work; both are cut by shape alone.
 */
import type { TensorType } from '../../contract.js';
import type { DType } from '../../dtype.js';
import { sizeOf } from '../kernel.js';
import { SUM_CHUNK } from './loops.js';

/** Elements in a block of a row: small enough for the first-level cache, large enough to be worth a call. */
const BLOCK = 4096;
/** The same where sums are made. */
const SUM_BLOCK = 8192;
/** Rows shorter than this are joined along the first axis. */
const JOINED = SUM_CHUNK;

/** An operand or output as the loop walks it: element strides of the axes, 0 where it is broadcast. */
export interface Walk {
  readonly dtype: DType;
  readonly strides: readonly number[];
}

/** Extents that a tensor is seen under while sums along the first and last are made. */
export type Cut = readonly [outer: number, channels: number, length: number];

/** Elements of a plane or row from which sums are made of those, so that values per channel or column can take part. */
export const LEAST_ROW = 16;

/** [N, C, ..] cut into its planes; null where those are small, or where there are none. */
export function planeCut([images, channels, ...plane]: readonly number[]): Cut | null {
  const length = sizeOf(plane);
  return plane.length > 0 && length >= LEAST_ROW ? [images, channels, length] : null;
}

export interface RowPlan {
  /** Merged extents; the last is the row. */
  readonly extents: readonly number[];
  /** Operands, then outputs, under the merged extents. */
  readonly walks: readonly Walk[];
  /** Rows along the first axis in a cell. More than one only where there is more than one axis. */
  readonly rowsPerCell: number;
  /** Elements of a row in a cell, and how many such blocks a row has. */
  readonly block: number;
  readonly blocksPerRow: number;
  readonly cells: number;
  readonly cellsPerUnit: number;
  readonly units: number;
  readonly key: string;
}

/** Strides of a dense tensor of `shape` under the axes of `out`, 0 where it is broadcast. */
export function stridesUnder(shape: readonly number[], out: readonly number[]): number[] {
  const strides = new Array<number>(out.length).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) strides[axis + out.length - shape.length] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** The extents of a shape without those of 1. */
export const wideExtents = (shape: readonly number[]): number[] => shape.filter((extent) => extent !== 1);

/** How a tensor of `shape` walks under the wide extents of `out`. */
export function walkUnder({ shape, dtype }: TensorType, out: readonly number[]): Walk {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = out.length - 1, own = shape.length - 1; axis >= 0; axis--, own--) {
    const extent = own >= 0 ? shape[own] : 1;
    if (out[axis] !== 1) strides.push(extent === 1 ? 0 : stride);
    stride *= extent;
  }
  return { dtype, strides: strides.reverse() };
}

/** The loop over one output with operands that broadcast to it. */
export const planRows = (operands: readonly TensorType[], out: TensorType): RowPlan =>
  planWalks(
    wideExtents(out.shape),
    [...operands, out].map((each) => walkUnder(each, out.shape)),
  ) as RowPlan;

/** Plans that were made; the layers of a network repeat few. */
const PLANS = new Map<string, RowPlan | null>();
const REMEMBERED = 1024;

/**
 * @param extents What the walks' strides belong to.
 * @param cut What sums are made of. The walks then keep to it.
 * @returns null if the walks do not fit the cut
 */
export function planWalks(extents: readonly number[], walks: readonly Walk[], cut?: Cut): RowPlan | null {
  let key = `${extents}|${cut ?? ''}`;
  for (const { dtype, strides } of walks) key += `|${dtype} ${strides}`;
  const known = PLANS.get(key);
  if (known !== undefined) return known;
  if (PLANS.size >= REMEMBERED) PLANS.clear();
  const plan = makePlan(extents, walks, cut);
  PLANS.set(key, plan);
  return plan;
}

function makePlan(extents: readonly number[], walks: readonly Walk[], cut: Cut | undefined): RowPlan | null {
  const size = sizeOf(extents);
  const merged = size === 0 ? null : cut ? fitted(extents, walks, cut) : mergedAxes(extents, walks);
  if (size === 0 || !merged) return size === 0 ? emptyPlan(walks, cut) : null;
  const row = merged.extents[merged.extents.length - 1];
  const first = merged.extents.length > 1 ? merged.extents[0] : 1;
  const block = cut ? SUM_BLOCK : BLOCK;
  const blocksPerRow = Math.ceil(row / block);
  const alike = merged.walks.every(staysAlong);
  const joined = Math.min(Math.max(Math.floor(JOINED / row), 1), first);
  if (cut && joined > 1 && !alike) return null;
  const rowsPerCell = first > 1 && alike ? joined : 1;
  const cells = (size / row / first) * Math.ceil(first / rowsPerCell) * blocksPerRow;
  const cellsPerUnit = Math.max(Math.floor(block / (Math.min(row, block) * rowsPerCell)), 1);
  const walked = merged.walks.map(({ strides, dtype }) => `${dtype}/${strides.join(',')}`).join(';');
  return {
    ...merged,
    rowsPerCell,
    block,
    blocksPerRow,
    cells,
    cellsPerUnit,
    units: Math.ceil(cells / cellsPerUnit),
    key: `${merged.extents.join('x')}:${walked}${cut ? ' cut' : ''}`,
  };
}

/** Whether an operand that stays along rows also stays along the first axis, so that rows can be joined. */
const staysAlong = ({ strides }: Walk): boolean => strides[strides.length - 1] !== 0 || strides[0] === 0;

/** Whether all walks keep to a cut; see `planWalks`. */
export const fitCut = (extents: readonly number[], walks: readonly Walk[], cut: Cut): boolean =>
  planWalks(extents, walks, cut) !== null;

/** The number of sums, which are zero, depends on the cut. */
const emptyPlan = (walks: readonly Walk[], cut: Cut | undefined): RowPlan => ({
  extents: [0],
  walks: walks.map(({ dtype }) => ({ dtype, strides: [1] })),
  ...{ rowsPerCell: 1, block: 1, blocksPerRow: 1, cells: 0, cellsPerUnit: 1, units: 0 },
  key: `empty ${walks.length} ${cut ?? ''}`,
});

interface MergedAxes {
  readonly extents: number[];
  readonly walks: Walk[];
}

/** Joins an axis to the one before it if every walk's strides continue through both. */
function mergedAxes(extents: readonly number[], walks: readonly Walk[]): MergedAxes {
  const merged: number[] = [];
  const strides: number[][] = walks.map(() => []);
  extents.forEach((extent, axis) => {
    const last = merged.length - 1;
    if (last >= 0 && walks.every((walk, index) => strides[index][last] === walk.strides[axis] * extent)) {
      merged[last] *= extent;
      walks.forEach((walk, index) => {
        strides[index][last] = walk.strides[axis];
      });
    } else {
      merged.push(extent);
      walks.forEach((walk, index) => {
        strides[index].push(walk.strides[axis]);
      });
    }
  });
  if (merged.length === 0) {
    merged.push(1);
    for (const each of strides) each.push(1);
  }
  return { extents: merged, walks: walks.map(({ dtype }, index) => ({ dtype, strides: strides[index] })) };
}

/** The walks under the three extents of a cut, or null. */
function fitted(extents: readonly number[], walks: readonly Walk[], cut: Cut): MergedAxes | null {
  const rest = [...extents.keys()];
  const parts = cut.map((wanted, index) => {
    const axes: number[] = [];
    for (let product = 1; index === 2 ? rest.length > 0 : product < wanted; ) {
      const axis = rest.shift();
      if (axis === undefined) return null;
      axes.push(axis);
      product *= extents[axis];
    }
    const taken = axes.map((axis) => extents[axis]);
    if (sizeOf(taken) !== wanted) return null;
    const within = walks.map(({ dtype, strides }) => ({ dtype, strides: axes.map((axis) => strides[axis]) }));
    const { extents: joined, walks: walked } = mergedAxes(taken, within);
    if (joined.length > 1) return null;
    // Along an axis of one element nothing moves, but a row of one still has to be written.
    const still = (each: number): boolean => wanted === 1 && (index < 2 || walks[each].strides.includes(0));
    return walked.map(({ strides }, each) => (still(each) ? 0 : strides[0]));
  });
  if (parts.some((part) => part === null)) return null;
  return {
    extents: [...cut],
    walks: walks.map(({ dtype }, index) => ({ dtype, strides: parts.map((part) => (part as number[])[index]) })),
  };
}
