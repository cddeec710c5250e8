/** Tile: a tensor repeated along its axes. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { DYNAMIC, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { broadcastTo, sum } from './broadcast.js';
import { reshape } from './reshape.js';

export interface TileAttributes {
  /** Number of copies along each axis; counted from the last axis where the lengths differ. */
  readonly repeats: readonly number[];
}

/** The shape and the repeats with ones in front, so that both have the same length. */
function align(shape: readonly number[], repeats: readonly number[]): { extents: number[]; counts: number[] } {
  const rank = Math.max(shape.length, repeats.length);
  const lead = (values: readonly number[]): number[] => [...new Array<number>(rank - values.length).fill(1), ...values];
  return { extents: lead(shape), counts: lead(repeats) };
}

/** The axes as pairs: which copy, and where in it. */
const pairs = (firsts: readonly number[], seconds: readonly number[]): number[] =>
  firsts.flatMap((first, axis) => [first, seconds[axis]]);

export const TILE = defineOperation<TileAttributes>({
  type: 'Tile',
  infer([x], { repeats }) {
    if (repeats.some((count) => !Number.isInteger(count) || count < 0)) {
      throw new ShapeError(
        'TILE_REPEATS',
        `tile: the repeats [${repeats}] of ${formatShape(x.shape)} must be whole numbers of at least 0.`,
      );
    }
    const { extents, counts } = align(x.shape, repeats);
    return [
      { shape: extents.map((extent, axis) => (extent === DYNAMIC ? DYNAMIC : extent * counts[axis])), dtype: x.dtype },
    ];
  },
  decompose([x], { repeats }) {
    const { extents, counts } = align(x.shape, repeats);
    const ones = extents.map(() => 1);
    const copies = broadcastTo(reshape(x, pairs(ones, extents)), pairs(counts, extents));
    return [
      reshape(
        copies,
        extents.map((extent, axis) => extent * counts[axis]),
      ),
    ];
  },
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: 'opset1',
    constants: ({ repeats }) => [{ elementType: 'i64', shape: [repeats.length], values: repeats }],
    tensorInputs: 1,
    parse: (_data, [repeats]) => ({ repeats: [...repeats] }),
  },
});

export const gradientOfTile: GradientRule<TileAttributes> = (
  { inputTypes: [{ shape }], attributes: { repeats } },
  [g],
) => {
  if (!g) return [null];
  const { extents, counts } = align(shape, repeats);
  const copies = extents.map((_, axis) => 2 * axis);
  return [reshape(sum(reshape(g, pairs(counts, extents)), copies), shape)];
};

/** Repeats `x` along its axes; a longer list adds axes in front. NumPy's `tile`, PyTorch's `repeat`. */
export const tile = (x: Tensor, repeats: readonly number[]): Tensor =>
  applyOne(TILE, [x], { repeats: [...repeats] }, gradientOfTile);
