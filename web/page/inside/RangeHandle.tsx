/** One end of a quantizer's range, to be dragged or moved by keys. */
import { useRef } from 'preact/hooks';
import { short } from '../format.js';
import type { Span } from './view.js';

interface Props {
  readonly end: 'low' | 'high';
  readonly value: number;
  readonly view: Span;
  /** Where the view begins and ends, in CSS pixels from the left of the handle's box. */
  readonly left: number;
  readonly right: number;
  /** Read out behind the value. */
  readonly meaning: string;
  onMove(value: number): void;
  onRelease(): void;
}

const KEYS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
};
/** Key presses from one side of the view to the other. */
const PRESSES = 100;

export function RangeHandle({ end, value, view, left, right, meaning, onMove, onRelease }: Props) {
  const grabbed = useRef<{ readonly x: number; readonly value: number } | null>(null);
  const width = view.high - view.low;
  const place = left + ((value - view.low) / width) * (right - left);
  const clamp = (wanted: number): number => Math.min(view.high, Math.max(view.low, wanted));
  const [least, most] = end === 'low' ? [view.low, 0] : [0, view.high];

  const press = (event: KeyboardEvent): void => {
    const presses = KEYS[event.key];
    if (presses !== undefined) onMove(clamp(value + (presses * width) / PRESSES));
    else if (event.key === 'Home') onMove(least);
    else if (event.key === 'End') onMove(most);
    else return;
    event.preventDefault();
    onRelease();
  };
  return (
    <div
      id={`range-${end}`}
      class={`handle handle-${end}`}
      role="slider"
      tabIndex={0}
      aria-label={end === 'low' ? 'Lower end of the range' : 'Upper end of the range'}
      aria-describedby="range-hint"
      aria-orientation="horizontal"
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={value}
      aria-valuetext={`${short(value)}. ${meaning}`}
      style={{ left: `${place}px` }}
      onKeyDown={press}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        event.currentTarget.focus();
        grabbed.current = { x: event.clientX, value };
      }}
      onPointerMove={(event) => {
        if (!grabbed.current) return;
        const moved = ((event.clientX - grabbed.current.x) / (right - left)) * width;
        onMove(clamp(grabbed.current.value + moved));
      }}
      onPointerUp={() => {
        if (grabbed.current) onRelease();
        grabbed.current = null;
      }}
      onPointerCancel={() => {
        grabbed.current = null;
        onRelease();
      }}
    />
  );
}
