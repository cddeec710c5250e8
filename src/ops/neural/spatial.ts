/** Sizes along [y, x] as users give them (one number for both, or a pair), and window arithmetic of pools. */
import { ShapeError, ValidationError } from '../../errors.js';
import { DYNAMIC, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

/** One number for both axes, or [y, x]. */
export type Pair = number | readonly number[];

/** Turns `value` into [y, x], checked to be whole numbers of at least `least`. */
export function pairOf(value: Pair, least: number, where: string, name: string): number[] {
  const pair = typeof value === 'number' ? [value, value] : [...value];
  if (pair.length !== 2 || pair.some((each) => !Number.isInteger(each) || each < least)) {
    throw new ValidationError(
      'BAD_PAIR',
      `${where}: ${name} is ${JSON.stringify(value)}; give a whole number of at least ${least}, or two of them as [y, x].`,
      { [name]: value },
    );
  }
  return pair;
}

/** Checks that x is [N, C, H, W]. */
export function requireImages(where: string, { shape }: Pick<Tensor, 'shape'>): void {
  if (shape.length !== 4) {
    throw new ShapeError(
      'RANK_MISMATCH',
      `${where} needs images [N, C, H, W], but the data has shape ${formatShape(shape)}.`,
      { shape },
    );
  }
}

/**
 * How the number of windows is rounded. `ceil`: a last window that only partly fits counts.
 * `ceil_torch`: it counts only if it starts inside the image or the padding before it (PyTorch's rule).
 */
export type RoundingType = 'floor' | 'ceil' | 'ceil_torch';

/** Number of windows of `reach` pixels every `stride` pixels over an extent with its padding. */
export function windowCount(
  extent: number,
  reach: number,
  stride: number,
  padBegin: number,
  padEnd: number,
  rounding: RoundingType,
): number {
  if (extent === DYNAMIC) return DYNAMIC;
  const room = extent + padBegin + padEnd - reach;
  if (rounding === 'floor') return Math.floor(room / stride) + 1;
  const last = Math.ceil(room / stride);
  return rounding === 'ceil_torch' && last * stride >= extent + padBegin ? last : last + 1;
}

/** Checks that every output extent is at least 1 (or dynamic). */
export function requireWindows(where: string, spatial: Shape, kernel: Shape, data: Shape): void {
  if (spatial.some((extent) => extent !== DYNAMIC && extent < 1)) {
    throw new ShapeError(
      'KERNEL_TOO_LARGE',
      `${where}: a window of ${formatShape(kernel)} does not fit into the padded data of shape ${formatShape(data)}.`,
      {
        data,
        kernel,
      },
    );
  }
}
