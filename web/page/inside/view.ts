/** The part of the number line that a histogram shows, and where the quantizer's codes lie on it. */
import type { Grid, LayerHistogram } from '../../protocol.js';

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** Room beyond the data and the range, as a share of their width, for handles to be dragged into. */
const ROOM = 0.25;

/** All values and the whole range, with some room on the sides where an end can be moved. */
export function viewOf({ edges, grid }: LayerHistogram): Span {
  const low = Math.min(edges[0], grid?.inputLow ?? edges[0]);
  const high = Math.max(edges.at(-1) as number, grid?.inputHigh ?? low);
  const room = (high - low) * ROOM;
  const onlyHigh = grid !== null && !grid.movableEnds.includes('low');
  return { low: onlyHigh ? low - room / 8 : low - room, high: high + room };
}

/** Both ends when one of them is moved: the ends of a symmetric range go together. */
export function moveEnd(grid: Grid, { low, high }: Span, end: 'low' | 'high', value: number): Span {
  const least = (grid.inputHigh - grid.inputLow) / 100;
  const moved = end === 'low' ? { low: Math.min(value, 0), high } : { low, high: Math.max(value, least) };
  if (!grid.symmetric || !grid.movableEnds.includes('low')) return moved;
  const ratio = grid.inputLow / grid.inputHigh;
  if (end === 'high') return { low: moved.high * ratio, high: moved.high };
  const mirrored = Math.max(moved.low / ratio, least);
  return { low: mirrored * ratio, high: mirrored };
}

export interface Codes {
  /** Places on the number line. */
  readonly values: readonly number[];
  /** Every how many codes one is drawn: 1, or a power of 2 where they would lie too close. */
  readonly stride: number;
}

/** @param density Codes that can be told apart over the width of the view. */
export function codesOf({ levels }: Grid, { low, high }: Span, view: Span, density: number): Codes {
  const step = (high - low) / (levels - 1);
  let stride = 1;
  while ((view.high - view.low) / (step * stride) > density) stride *= 2;
  // Counted from the code of zero, so that zero is always drawn.
  const first = Math.round(-low / step) % stride;
  const values: number[] = [];
  for (let code = first; code < levels; code += stride) values.push(low + code * step);
  return { values, stride };
}
