/** A histogram as an SVG drawing: the values as bars, the levels of the quantizer as lines over them. */
import type { QuantizerReport } from './reportData.js';
import { number, percent } from './words.js';

const WIDTH = 320;
const HEIGHT = 118;
const [LEFT, RIGHT, TOP, BOTTOM] = [6, WIDTH - 6, 6, 92];
/** Lines that lie closer than this are not told apart. */
const NEAREST_LINES = 6;

const round = (value: number): string => String(Math.round(value * 10) / 10);

/** Where in the drawing a position in the range is. */
const across = (position: number, { histogram: { from, to } }: QuantizerReport): number =>
  LEFT + ((position - from) / (to - from)) * (RIGHT - LEFT);

/** Each how many levels a line is drawn. */
export function lineInterval(row: QuantizerReport): number {
  const apart = (across(1, row) - across(0, row)) / (row.levels - 1);
  let interval = 1;
  while (interval * apart < NEAREST_LINES) interval *= 2;
  return interval;
}

/** Bars as one path. Heights are square roots of counts, so that rare values stay visible. */
function bars(row: QuantizerReport, inside: boolean): string {
  const { counts, from, to } = row.histogram;
  const highest = Math.sqrt(Math.max(...counts, 1));
  const width = (to - from) / counts.length;
  return counts
    .map((count, bin) => {
      const start = from + bin * width;
      const isInside = start + width / 2 >= 0 && start + width / 2 <= 1;
      if (count === 0 || isInside !== inside) return '';
      const height = Math.max((Math.sqrt(count) / highest) * (BOTTOM - TOP), 1);
      const [left, right] = [across(start, row), across(start + width, row)];
      return `M${round(left)} ${BOTTOM}V${round(BOTTOM - height)}H${round(right)}V${BOTTOM}z`;
    })
    .join('');
}

function grid(row: QuantizerReport): string {
  const interval = lineInterval(row);
  const lines: string[] = [];
  for (let level = 0; level < row.levels; level += interval)
    lines.push(`M${round(across(level / (row.levels - 1), row))} ${TOP}V${BOTTOM}`);
  return lines.join('');
}

function labels(row: QuantizerReport): string {
  const several = row.channels > 1;
  const text = (position: number, content: string, anchor: string): string =>
    `<text x="${round(across(position, row))}" y="${HEIGHT - 8}" text-anchor="${anchor}">${content}</text>`;
  const zero = -row.low / (row.high - row.low);
  const showZero = zero > 0.2 && zero < 0.8 && !(several && row.mode === 'asymmetric');
  return [
    text(0, several ? 'lowest level' : number(row.low), 'middle'),
    ...(showZero ? [text(zero, '0', 'middle')] : []),
    text(1, several ? 'highest level' : number(row.high), 'middle'),
  ].join('');
}

/** What the drawing shows, for those who do not see it. */
export function histogramText(row: QuantizerReport): string {
  const { counts, from, to } = row.histogram;
  const most = counts.indexOf(Math.max(...counts));
  const position = from + ((most + 0.5) / counts.length) * (to - from);
  const place =
    position < 0
      ? 'below the range'
      : position > 1
        ? 'above the range'
        : `at ${percent(Math.round(position * 100) / 100)} of the range`;
  return (
    `Histogram of ${row.count} values with ${row.levels} levels from ${number(row.low)} to ${number(row.high)}. Most values lie ${place}. ` +
    `${percent(row.clippedBelow)} lie below the range and ${percent(row.clippedAbove)} above it.`
  );
}

export function histogramSvg(row: QuantizerReport, id: string): string {
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-chart"><title id="${id}-chart">${histogramText(row)}</title>` +
    `<path class="inside" d="${bars(row, true)}"/><path class="beyond" d="${bars(row, false)}"/><path class="hatch" fill="url(#hatch)" d="${bars(row, false)}"/>` +
    `<path class="casing" d="${grid(row)}"/><path class="grid" d="${grid(row)}"/><path class="ends" d="M${round(across(0, row))} ${TOP}V${BOTTOM + 4}M${round(across(1, row))} ${TOP}V${BOTTOM + 4}"/>` +
    `<path class="axis" d="M${LEFT} ${BOTTOM}H${RIGHT}"/>${labels(row)}</svg>`
  );
}
