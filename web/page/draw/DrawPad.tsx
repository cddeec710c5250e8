/** The canvas to draw on, with a pointer or finger, or cell by cell with the arrow keys and the space bar. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useColours, useWidth } from '../theme.js';
import { type Drawing, extendStroke, isEmpty, startStroke, toCells, toggleCell } from './drawing.js';
import { SIDE } from './grid.js';
import type { Point } from './normalize.js';
import { type Cursor, drawCanvas } from './penCanvas.js';

interface Props {
  readonly drawing: Drawing;
  onDraw(change: (drawing: Drawing) => Drawing): void;
  onClear(): void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

const within = (value: number): number => Math.min(SIDE - 1, Math.max(0, value));

function pointOf(element: HTMLElement, event: { clientX: number; clientY: number }): Point {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}

export function DrawPad({ drawing, onDraw, onClear }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const pen = useRef<number | null>(null);
  const [cursor, setCursor] = useState<Cursor>({ row: 3, column: 3 });
  const [byKeyboard, setByKeyboard] = useState(false);
  const [spoken, setSpoken] = useState('');
  const colours = useColours();
  const size = useWidth(box);

  useEffect(() => {
    if (canvas.current && size > 0) drawCanvas(canvas.current, size, colours, drawing, byKeyboard ? cursor : null);
  }, [drawing, size, colours, cursor, byKeyboard]);

  const down = (event: PointerEvent): void => {
    if (!box.current || event.button !== 0 || pen.current !== null) return;
    pen.current = event.pointerId;
    box.current.setPointerCapture(event.pointerId);
    setByKeyboard(false);
    const point = pointOf(box.current, event);
    onDraw((before) => startStroke(before, point));
  };
  const move = (event: PointerEvent): void => {
    const element = box.current;
    if (!element || pen.current !== event.pointerId) return;
    const all = event.getCoalescedEvents?.() ?? [];
    const points = (all.length > 0 ? all : [event]).map((one) => pointOf(element, one));
    onDraw((before) => extendStroke(before, points));
  };
  const up = (event: PointerEvent): void => {
    if (pen.current === event.pointerId) pen.current = null;
  };

  const say = ({ row, column }: Cursor, of: Drawing): void => {
    const ink = toCells(of)[row * SIDE + column] > 0.5;
    setSpoken(`Row ${row + 1}, column ${column + 1}, ${ink ? 'ink' : 'empty'}`);
  };
  const press = (event: KeyboardEvent): void => {
    const arrow = ARROWS[event.key];
    if (arrow) {
      const next = { row: within(cursor.row + arrow[0]), column: within(cursor.column + arrow[1]) };
      setCursor(next);
      say(next, drawing);
    } else if (event.key === ' ') {
      const change = (before: Drawing): Drawing => toggleCell(before, cursor.row, cursor.column);
      onDraw(change);
      say(cursor, change(drawing));
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      onClear();
      setSpoken('Cleared');
    } else return;
    setByKeyboard(true);
    event.preventDefault();
  };

  return (
    <div
      id="draw-canvas"
      class="pad"
      ref={box}
      role="application"
      aria-label="Drawing, 8 by 8 cells"
      aria-describedby="draw-hint"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is operated by keys, which it handles itself
      tabIndex={0}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={press}
      onFocus={() => setByKeyboard(box.current?.matches(':focus-visible') ?? false)}
      onBlur={() => setByKeyboard(false)}
    >
      <canvas ref={canvas} class="pad-canvas" />
      {isEmpty(drawing) && !byKeyboard && (
        <p class="pad-invitation" aria-hidden="true">
          Draw a digit here
        </p>
      )}
      <span class="unseen" aria-live="polite">
        {spoken}
      </span>
    </div>
  );
}
