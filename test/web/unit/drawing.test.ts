/** From pen strokes to what the networks are given. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BLANK,
  type Drawing,
  extendStroke,
  isEmpty,
  startStroke,
  toCells,
  toggleCell,
} from '../../../web/page/draw/drawing.js';
import { EXAMPLES } from '../../../web/page/draw/examples.js';
import { CELLS, type Cells, SIDE } from '../../../web/page/draw/grid.js';
import { normalize, type Point } from '../../../web/page/draw/normalize.js';

const ink = (cells: Cells): number => cells.reduce((sum, value) => sum + value, 0);
const rowInk = (cells: Cells, row: number): number => ink(cells.subarray(row * SIDE, (row + 1) * SIDE));

/** A ring, as a zero is written. */
const ring = ({ x, y }: Point, radius: number): Point[] =>
  Array.from({ length: 40 }, (_, index) => ({
    x: x + 0.7 * radius * Math.cos((index / 39) * 2 * Math.PI),
    y: y + radius * Math.sin((index / 39) * 2 * Math.PI),
  }));

test('a drawing gives the same cells wherever it is and however large', () => {
  const expected = normalize([ring({ x: 0.5, y: 0.5 }, 0.4)]);
  for (const [center, radius] of [
    [{ x: 0.25, y: 0.3 }, 0.2],
    [{ x: 0.8, y: 0.75 }, 0.15],
  ] as const) {
    const cells = normalize([ring(center, radius)]);
    cells.forEach((value, cell) => {
      expect(value).toBeCloseTo(expected[cell], 1);
    });
  }
});

test('a ring has a hole, fills the height, is centred, and has the ink of a digit', () => {
  const cells = normalize([ring({ x: 0.3, y: 0.6 }, 0.3)]);
  expect(cells[3 * SIDE + 3]).toBeLessThan(0.2);
  expect(rowInk(cells, 0)).toBeGreaterThan(0.5);
  expect(rowInk(cells, SIDE - 1)).toBeGreaterThan(0.5);
  expect(ink(cells)).toBeGreaterThan(17);
  expect(ink(cells)).toBeLessThan(22);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE / 2; column++) {
      expect(cells[row * SIDE + column]).toBeCloseTo(cells[row * SIDE + SIDE - 1 - column], 1);
    }
  }
});

test('a dot stays small, and a flat line is not blown up to the full height', () => {
  expect(ink(normalize([[{ x: 0.1, y: 0.9 }]]))).toBeLessThan(8);
  const line = normalize([
    [
      { x: 0.1, y: 0.5 },
      { x: 0.9, y: 0.5 },
    ],
  ]);
  expect(rowInk(line, 0)).toBe(0);
  expect(rowInk(line, 3)).toBeGreaterThan(2);
});

test('every drawing gives 64 values from 0 to 1', () => {
  const coordinate = fc.double({ min: 0, max: 1, noNaN: true });
  const strokes = fc.array(fc.array(fc.record({ x: coordinate, y: coordinate }), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(strokes, (drawn) => {
      const cells = normalize(drawn);
      expect(cells).toHaveLength(CELLS);
      expect(ink(cells)).toBeGreaterThan(0);
      for (const value of cells) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1.000001);
      }
    }),
    { numRuns: 40 },
  );
});

test('the keyboard sets single cells, which go to the network as they are', () => {
  let drawing: Drawing = toggleCell(BLANK, 2, 5);
  expect(Array.from(toCells(drawing)).flatMap((value, cell) => (value > 0 ? [cell] : []))).toEqual([2 * SIDE + 5]);
  drawing = toggleCell(drawing, 2, 5);
  expect(isEmpty(drawing)).toBe(true);
});

test('the pen goes on with strokes, or paints on cells that are there', () => {
  const stroke = extendStroke(startStroke(BLANK, { x: 0.5, y: 0.2 }), [{ x: 0.5, y: 0.8 }]);
  expect(stroke.kind === 'strokes' && stroke.strokes).toEqual([
    [
      { x: 0.5, y: 0.2 },
      { x: 0.5, y: 0.8 },
    ],
  ]);
  const example: Drawing = { kind: 'cells', cells: EXAMPLES[1] };
  const painted = toCells(startStroke(example, { x: 0.0625, y: 0.0625 }));
  expect(painted[0]).toBe(1);
  expect(ink(painted)).toBeGreaterThan(ink(EXAMPLES[1]));
  expect(EXAMPLES[1][0]).toBe(0);
});

test('there is an example of each digit', () => {
  expect(EXAMPLES.map(({ length }) => length)).toEqual(new Array(10).fill(CELLS));
});
