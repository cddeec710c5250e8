/** A small picture of 8 x 8 cells. */
import { useEffect, useRef } from 'preact/hooks';
import { useColours, useWidth } from '../theme.js';
import type { Cells } from './grid.js';
import { drawCells, prepare } from './penCanvas.js';

interface Props {
  readonly cells: Cells;
  /** Without one, the picture only decorates. */
  readonly label?: string;
}

export function CellsImage({ cells, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useColours();
  const size = useWidth(canvas);
  useEffect(() => {
    const context = canvas.current && size > 0 && prepare(canvas.current, size);
    if (context) drawCells(context, cells, size, colours.pen);
  }, [cells, size, colours]);
  const meaning = label ? { role: 'img' as const, 'aria-label': label } : { 'aria-hidden': true as const };
  return <canvas ref={canvas} class={label ? 'cells seen-picture' : 'cells'} {...meaning} />;
}
