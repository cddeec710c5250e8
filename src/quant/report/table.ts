/** A report as text. */
import type { ReportData } from './reportData.js';
import { decibels, kindOf, number, percent, range, score, signed } from './words.js';

const line = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, column) => (column === 1 || column === 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
    .join('  ')
    .trimEnd();

export function reportTable(data: ReportData): string {
  const metric = data.measure === 'metric';
  const header = [
    '#',
    'quantizer',
    'kind',
    'range',
    'levels',
    'cut off',
    'signal/noise',
    metric ? 'metric off' : 'error off',
    'harm',
  ];
  const rows = data.quantizers.map((row, index) => [
    String(index + 1),
    row.enabled ? row.name : `${row.name} (off)`,
    kindOf(row),
    range(row),
    String(row.levels),
    percent(row.clipped),
    decibels(row.signalToNoise),
    row.withoutIt === null ? '–' : score(row.withoutIt, data),
    row.harm === null ? '–' : signed(row.harm, data),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((cells) => cells[column].length)));
  const summary = metric
    ? `metric ${number(data.quantized)} quantized, ${number(data.float)} with all quantizers off`
    : `output error ${percent(data.quantized)} of the outputs' size`;
  return [
    `${data.title}: ${summary} (${data.items} ${data.items === 1 ? 'item' : 'items'})`,
    line(header, widths),
    line(
      widths.map((width) => '-'.repeat(width)),
      widths,
    ),
    ...rows.map((cells) => line(cells, widths)),
  ].join('\n');
}
