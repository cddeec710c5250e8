/** How a histogram looks: bars, the quantizer's codes as lines over them, and shade where values are cut off. */
import uPlot from 'uplot';
import type { Grid } from '../../protocol.js';
import type { Colours } from '../theme.js';
import { axis } from '../train/plotOptions.js';
import { codesOf, type Span } from './view.js';

export const HISTOGRAM_HEIGHT = 260;
/** Room at both sides of the bars, in CSS pixels, for the handles at the ends. */
export const SIDE_ROOM = 14;
/** Codes nearer than this, in CSS pixels, are drawn as every second, fourth, ... */
export const CODE_SPACE = 4;

/** What the hooks read whenever they draw. */
export interface Shown {
  readonly view: Span;
  readonly range: Span | null;
  readonly grid: Grid | null;
  readonly tone: 'quantized' | 'tuned';
}

function drawShade(plot: uPlot, colours: Colours, { range, view }: Shown): void {
  if (!range) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colours['bad-wash'];
  for (const [from, to] of [
    [view.low, range.low],
    [range.high, view.high],
  ]) {
    const left = plot.valToPos(from, 'x', true);
    ctx.fillRect(left, bbox.top, plot.valToPos(to, 'x', true) - left, bbox.height);
  }
  ctx.restore();
}

function drawCodes(plot: uPlot, colours: Colours, { range, view, grid, tone }: Shown): void {
  if (!range || !grid) return;
  const { ctx, bbox } = plot;
  const { values } = codesOf(grid, range, view, bbox.width / uPlot.pxRatio / CODE_SPACE);
  ctx.save();
  ctx.strokeStyle = colours[tone];
  ctx.globalAlpha = values.length > 40 ? 0.45 : 0.8;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.beginPath();
  for (const value of values) {
    const x = Math.round(plot.valToPos(value, 'x', true)) + 0.5;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

export function histogramOptions(colours: Colours, width: number, shown: () => Shown): uPlot.Options {
  return {
    width,
    height: HISTOGRAM_HEIGHT,
    padding: [8, SIDE_ROOM, 0, SIDE_ROOM],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [shown().view.low, shown().view.high] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max ?? 1) * 1.05] },
    },
    axes: [{ ...axis(colours), size: 28, grid: { show: false } }, { show: false }],
    series: [
      {},
      {
        fill: colours['line-strong'],
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars?.({ size: [1, Infinity], gap: 1 }),
      },
    ],
    hooks: {
      drawClear: [(plot) => drawShade(plot, colours, shown())],
      draw: [(plot) => drawCodes(plot, colours, shown())],
    },
  };
}
