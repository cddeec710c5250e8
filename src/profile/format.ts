/** Profiles as text. */
import type { TensorType } from '../kernels/contract.js';
import type { KernelTotal, Profile, ProfiledStep } from './profile.js';

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const shapesOf = (types: readonly TensorType[]): string => types.map(({ shape }) => shape.join('x') || '1').join(' ');

/** Characters of a name; profiles have all of them. */
const WIDEST = 72;

/** Names joined by '+', each run of the same as one with its length, and not longer than a line has room for. */
function shorten(names: string): string {
  const runs: { readonly name: string; count: number }[] = [];
  for (const name of names.split('+')) {
    const last = runs.at(-1);
    if (last?.name === name) last.count++;
    else runs.push({ name, count: 1 });
  }
  const text = runs.map(({ name, count }) => (count > 1 ? `${count} ${name}` : name)).join('+');
  return text.length <= WIDEST ? text : `${text.slice(0, WIDEST - 3)}...`;
}

type Column<T> = readonly [title: string, side: 'left' | 'right', cell: (row: T) => string];

function table<T>(columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const cells = rows.map((row) => columns.map(([, , cell]) => cell(row)));
  const widths = columns.map(([title], index) => Math.max(title.length, ...cells.map((row) => row[index].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => (columns[index][1] === 'left' ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd();
  return [columns.map(([title]) => title), ...cells].map(line);
}

const STEP_COLUMNS: readonly Column<ProfiledStep>[] = [
  ['ms', 'right', ({ milliseconds }) => milliseconds.toFixed(3)],
  ['share', 'right', ({ share }) => percent(share)],
  ['speed', 'right', ({ speed, unit }) => `${speed.toFixed(1)} ${unit}`],
  ['of limit', 'right', ({ ofLimit }) => percent(ofLimit)],
  ['part', 'left', ({ part, index }) => `${part} ${index}`],
  ['kernel', 'left', ({ name }) => shorten(name)],
  ['node', 'left', ({ label }) => shorten(label ?? '')],
  ['shapes', 'left', ({ inputs, outputs }) => `${shapesOf(inputs)} -> ${shapesOf(outputs)}`],
];

const KERNEL_COLUMNS: readonly Column<KernelTotal>[] = [
  ['ms', 'right', ({ milliseconds }) => milliseconds.toFixed(3)],
  ['share', 'right', ({ share }) => percent(share)],
  ['of limit', 'right', ({ ofLimit }) => percent(ofLimit)],
  ['steps', 'right', ({ steps }) => String(steps)],
  ['kernel', 'left', ({ name }) => shorten(name)],
];

/**
 * A profile as tables of plain text: all kernels, then single steps, the slowest first.
 * @param top How many steps to show. Default: 30.
 */
export function formatProfile(profile: Profile, top = 30): string {
  const { steps, kernels, milliseconds, runMilliseconds, limitMilliseconds, limits, threads } = profile;
  const shown = steps.slice(0, top);
  const products = steps.filter(({ unit }) => unit === 'GF/s').reduce((sum, step) => sum + step.milliseconds, 0);
  return [
    `${threads} ${threads === 1 ? 'thread' : 'threads'}; limits: ${((2 * limits.multiplyAddsPerSecond) / 1e9).toFixed(1)} GF/s, ${(limits.bytesPerSecond / 1e9).toFixed(1)} GB/s`,
    `one run ${runMilliseconds.toFixed(2)} ms; step by step ${milliseconds.toFixed(2)} ms in ${steps.length} steps; the limits leave ${limitMilliseconds.toFixed(2)} ms (${percent(limitMilliseconds / milliseconds)})`,
    `convolutions and matrix products ${products.toFixed(2)} ms, everything else ${(milliseconds - products).toFixed(2)} ms`,
    '',
    ...table(KERNEL_COLUMNS, kernels),
    '',
    ...table(STEP_COLUMNS, shown),
    ...(shown.length < steps.length ? [`... and ${steps.length - shown.length} more steps`] : []),
  ].join('\n');
}
