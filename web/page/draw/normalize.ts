/**
 * Pen strokes to the network's input, the way the UCI digits were made from forms: scaled to the full height, centred, given
 * a pen that leaves about as much ink as their digits have, set as 32 x 32 points, and averaged over blocks of 4 x 4.
 * https://archive.ics.uci.edu/dataset/80 describes the blocks; height, width and ink are measured on its images.
 */
import { CELLS, type Cells, emptyCells, SIDE } from './grid.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Stroke = readonly Point[];

/** Sample points along a side of the picture, and of a cell. */
const SAMPLES = 32;
const PER_CELL = SAMPLES / SIDE;
/** The digits fill the height, and are about 5 cells wide; only a wider drawing is squeezed. */
const MAX_WIDTH = 6;
/** A dot stays a dot: a drawing smaller than this share of the canvas is not magnified to the full height. */
const MIN_EXTENT = 0.2;
/** Cells' worth of ink: every one of the ten digits has 19 to 20.6 on average. */
const INK = 19.5;
/** The pen's radius in cells. */
const RADIUS = { min: 0.45, max: 1.3, first: 0.6 };
/** Points of a stroke nearer than this (in cells) to the last are left out. */
const SPACING = 0.2;

/** The strokes with their points in cells, the pen's outline within the 8 x 8. */
function scaleToFit(strokes: readonly Stroke[], radius: number): Point[][] {
  const points = strokes.flat();
  const [left, right] = extent(points.map(({ x }) => x));
  const [top, bottom] = extent(points.map(({ y }) => y));
  const scaleY = (SIDE - 2 * radius) / Math.max(bottom - top, MIN_EXTENT);
  const scaleX = Math.min(scaleY, (MAX_WIDTH - 2 * radius) / Math.max(right - left, MIN_EXTENT));
  const place = ({ x, y }: Point): Point => ({
    x: SIDE / 2 + (x - (left + right) / 2) * scaleX,
    y: SIDE / 2 + (y - (top + bottom) / 2) * scaleY,
  });
  return strokes.map((stroke) => thin(stroke.map(place)));
}

function extent(values: readonly number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function thin(stroke: readonly Point[]): Point[] {
  const kept: Point[] = [];
  stroke.forEach((point, index) => {
    const last = kept.at(-1);
    const far = !last || Math.hypot(point.x - last.x, point.y - last.y) >= SPACING;
    if (far || index === stroke.length - 1) kept.push(point);
  });
  return kept;
}

/** The distance, in cells, of each of the 32 x 32 sample points from the nearest pen line. */
function distances(strokes: readonly Point[][]): Float32Array {
  const nearest = new Float32Array(SAMPLES * SAMPLES).fill(Infinity);
  for (const stroke of strokes) {
    for (let end = 0; end < stroke.length; end++) {
      const from = stroke[Math.max(0, end - 1)];
      const to = stroke[end];
      for (let sample = 0; sample < nearest.length; sample++) {
        const x = ((sample % SAMPLES) + 0.5) / PER_CELL;
        const y = (Math.floor(sample / SAMPLES) + 0.5) / PER_CELL;
        nearest[sample] = Math.min(nearest[sample], distanceToLine(x, y, from, to));
      }
    }
  }
  return nearest;
}

function distanceToLine(x: number, y: number, from: Point, to: Point): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / length));
  return Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
}

/** The radius that covers `INK` cells: as many sample points as that are not further than it. */
function chooseRadius(nearest: Float32Array): number {
  const sorted = nearest.slice().sort();
  return Math.min(RADIUS.max, Math.max(RADIUS.min, sorted[Math.round(INK * PER_CELL * PER_CELL)]));
}

/** Strokes in shares of the canvas, 0 to 1 from its upper left corner. */
export function normalize(strokes: readonly Stroke[]): Cells {
  const cells = emptyCells();
  if (strokes.every((stroke) => stroke.length === 0)) return cells;
  const radius = chooseRadius(distances(scaleToFit(strokes, RADIUS.first)));
  const nearest = distances(scaleToFit(strokes, Math.min(radius, 1)));
  for (let sample = 0; sample < nearest.length; sample++) {
    // A sample point at the edge of the line is covered in part, so that moving the pen a little changes the cells a little.
    const covered = Math.min(1, Math.max(0, (radius - nearest[sample]) * PER_CELL + 0.5));
    const row = Math.floor(sample / SAMPLES / PER_CELL);
    const column = Math.floor((sample % SAMPLES) / PER_CELL);
    cells[row * SIDE + column] += covered / (PER_CELL * PER_CELL);
  }
  return cells;
}

/** Lays a soft round spot of ink on cells, at a point in shares of the canvas. */
export function paint(cells: Cells, { x, y }: Point): Cells {
  const painted = cells.slice();
  for (let cell = 0; cell < CELLS; cell++) {
    const distance = Math.hypot((cell % SIDE) + 0.5 - x * SIDE, Math.floor(cell / SIDE) + 0.5 - y * SIDE);
    painted[cell] = Math.max(painted[cell], Math.min(1, Math.max(0, 1.25 - distance)));
  }
  return painted;
}
