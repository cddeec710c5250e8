/**
 * What the visitor has drawn. With the pen it is strokes, which are centred and scaled for the network; cells that were set
 * one by one (by the keyboard, or from an example) go to the network as they are.
 */
import { type Cells, emptyCells, isBlank, SIDE } from './grid.js';
import { normalize, type Point, paint, type Stroke } from './normalize.js';

export type Drawing =
  | { readonly kind: 'strokes'; readonly strokes: readonly Stroke[] }
  | { readonly kind: 'cells'; readonly cells: Cells };

export const BLANK: Drawing = { kind: 'strokes', strokes: [] };

/** What the network is given. */
export const toCells = (drawing: Drawing): Cells =>
  drawing.kind === 'strokes' ? normalize(drawing.strokes) : drawing.cells;

export const isEmpty = (drawing: Drawing): boolean =>
  drawing.kind === 'strokes' ? drawing.strokes.length === 0 : isBlank(drawing.cells);

/** The pen comes down: a new stroke, or ink on the cells that are there. */
export const startStroke = (drawing: Drawing, point: Point): Drawing =>
  drawing.kind === 'strokes'
    ? { kind: 'strokes', strokes: [...drawing.strokes, [point]] }
    : { kind: 'cells', cells: paint(drawing.cells, point) };

/** The pen moves on. */
export function extendStroke(drawing: Drawing, points: readonly Point[]): Drawing {
  if (drawing.kind === 'cells') return { kind: 'cells', cells: points.reduce(paint, drawing.cells) };
  const last = drawing.strokes.at(-1) ?? [];
  return { kind: 'strokes', strokes: [...drawing.strokes.slice(0, -1), [...last, ...points]] };
}

/** Turns one cell to ink, or ink to paper. Strokes become the cells that the network saw. */
export function toggleCell(drawing: Drawing, row: number, column: number): Drawing {
  const cells = isEmpty(drawing) ? emptyCells() : toCells(drawing).slice();
  const cell = row * SIDE + column;
  cells[cell] = cells[cell] > 0.5 ? 0 : 1;
  return { kind: 'cells', cells };
}
