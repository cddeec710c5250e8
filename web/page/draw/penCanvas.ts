/** Draws what the visitor has drawn, and single pictures of 8 x 8 cells. */
import type { Colours } from '../theme.js';
import type { Drawing } from './drawing.js';
import { type Cells, SIDE } from './grid.js';
import type { Stroke } from './normalize.js';

/** Width of the pen as a share of the canvas. */
const PEN = 0.085;

/** Sets the size for the screen's pixels and gives a context in CSS pixels. */
export function prepare(canvas: HTMLCanvasElement, size: number): CanvasRenderingContext2D | null {
  const density = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.round(size * density);
  canvas.height = Math.round(size * density);
  const context = canvas.getContext('2d');
  context?.scale(canvas.width / size, canvas.height / size);
  context?.clearRect(0, 0, size, size);
  return context;
}

export function drawCells(context: CanvasRenderingContext2D, cells: Cells, size: number, ink: string): void {
  const side = size / SIDE;
  context.fillStyle = ink;
  cells.forEach((value, cell) => {
    if (value <= 0) return;
    // Whole pixels, so that no seams show between neighbours.
    const left = Math.round((cell % SIDE) * side);
    const top = Math.round(Math.floor(cell / SIDE) * side);
    context.globalAlpha = value;
    context.fillRect(
      left,
      top,
      Math.round(((cell % SIDE) + 1) * side) - left,
      Math.round((Math.floor(cell / SIDE) + 1) * side) - top,
    );
  });
  context.globalAlpha = 1;
}

function drawStrokes(context: CanvasRenderingContext2D, strokes: readonly Stroke[], size: number, ink: string): void {
  context.strokeStyle = ink;
  context.lineWidth = size * PEN;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const [first, ...rest] of strokes) {
    context.beginPath();
    context.moveTo(first.x * size, first.y * size);
    // A line of no length is a round dot.
    for (const { x, y } of rest.length > 0 ? rest : [first]) context.lineTo(x * size, y * size);
    context.stroke();
  }
}

function drawGrid(context: CanvasRenderingContext2D, size: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let line = 1; line < SIDE; line++) {
    const at = Math.round((line * size) / SIDE) + 0.5;
    context.moveTo(at, 0);
    context.lineTo(at, size);
    context.moveTo(0, at);
    context.lineTo(size, at);
  }
  context.stroke();
}

export interface Cursor {
  readonly row: number;
  readonly column: number;
}

/** The whole canvas: grid, ink, and the cell that the keyboard is at, if any. */
export function drawCanvas(
  canvas: HTMLCanvasElement,
  size: number,
  colours: Colours,
  drawing: Drawing,
  cursor: Cursor | null,
): void {
  const context = prepare(canvas, size);
  if (!context) return;
  if (drawing.kind === 'cells') drawCells(context, drawing.cells, size, colours.pen);
  drawGrid(context, size, colours.line);
  if (drawing.kind === 'strokes') drawStrokes(context, drawing.strokes, size, colours.pen);
  if (!cursor) return;
  const side = size / SIDE;
  context.strokeStyle = colours.focus;
  context.lineWidth = 3;
  context.strokeRect(cursor.column * side + 1.5, cursor.row * side + 1.5, side - 3, side - 3);
}
