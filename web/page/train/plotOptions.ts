/** How the two plots of training look. */
import type uPlot from 'uplot';
import type { Colours } from '../theme.js';

export const PLOT_HEIGHT = 224;

export interface Line {
  readonly label: string;
  readonly colour: keyof Colours;
  /** Lengths of dash and gap; none for a solid line. So that lines differ by more than colour. */
  readonly dash?: readonly number[];
  readonly points?: boolean;
}

/** Ticks in at least this many CSS pixels from each other. */
const TICK_SPACE = 52;
const FONT =
  '12px ui-sans-serif, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';

export function axis(colours: Colours): uPlot.Axis {
  return {
    stroke: colours['ink-soft'],
    font: FONT,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
    border: { show: true, stroke: colours['line-strong'], width: 1 },
    space: TICK_SPACE,
    gap: 6,
  };
}

interface Shape {
  readonly width: number;
  /** The horizontal axis is at least this long, so that it stands still while a curve grows. */
  epochs(): number;
  readonly lines: readonly Line[];
  /** Ends of the vertical axis for what is drawn, or null for those of the data. */
  readonly range: uPlot.Scale['range'];
  readonly format: (value: number) => string;
}

export function plotOptions(colours: Colours, { width, epochs, lines, range, format }: Shape): uPlot.Options {
  return {
    width,
    height: PLOT_HEIGHT,
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: (_plot, _min, max) => [0, Math.max(epochs(), max ?? 0)] }, y: { range } },
    axes: [
      {
        ...axis(colours),
        size: 28,
        label: 'Epochs',
        labelSize: 18,
        labelGap: 2,
        labelFont: FONT,
        grid: { show: false },
      },
      { ...axis(colours), size: 46, space: 36, border: { show: false }, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, colour, dash, points }): uPlot.Series => ({
          label,
          stroke: colours[colour],
          width: 2,
          dash: dash ? [...dash] : undefined,
          spanGaps: true,
          points: { show: points ?? false, size: 6, fill: colours[colour] },
        }),
      ),
    ],
  };
}
