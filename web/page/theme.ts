/** The style sheet's colours for what is drawn on a canvas, and word of when they or the canvas's size change. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const NAMES = [
  'paper',
  'raised',
  'sunken',
  'ink',
  'ink-soft',
  'line',
  'line-strong',
  'focus',
  'pen',
  'float',
  'quantized',
  'tuned',
  'bad-wash',
] as const;
export type Colours = Readonly<Record<(typeof NAMES)[number], string>>;

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const entries = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(entries) as Colours;
}

/** The colours of now; another object when the visitor changes between light and dark. */
export function useColours(): Colours {
  const [colours, setColours] = useState(readColours);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const update = (): void => setColours(readColours());
    query.addEventListener('change', update);
    return () => query.removeEventListener('change', update);
  }, []);
  return colours;
}

/** Width of an element in CSS pixels; 0 before it is laid out. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
