/**
 * A report as one HTML page: no script, no font, nothing to load. Light and dark, for wide and narrow screens, for
 * keyboards and screen readers.
 */
import { histogramSvg, lineInterval } from './histogramSvg.js';
import type { QuantizerReport, ReportData } from './reportData.js';
import { STYLE } from './style.js';
import { decibels, findings, isNotable, kindOf, number, percent, range, score, signed } from './words.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character]);

/** A name that may be broken behind its slashes. */
const breakable = (name: string): string => escapeHtml(name).replaceAll('/', '/<wbr>');

/** Names of what is measured. */
const words = ({ measure }: ReportData): { off: string; harm: string } =>
  measure === 'metric'
    ? { off: 'Metric without it', harm: 'Costs' }
    : { off: 'Output error without it', harm: 'Adds to the error' };

export function reportHtml(data: ReportData): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(data.title)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<a class="skip" href="#quantizers">Skip to the quantizers</a>',
    header(data),
    `<main>${guide(data)}${table(data)}${cards(data)}</main>`,
    // One pattern serves all drawings.
    '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch-line" d="M0 0V4"/></pattern></defs></svg>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function header(data: ReportData): string {
  const tile = (label: string, value: string): string => `<div><dt>${label}</dt><dd>${value}</dd></div>`;
  const tiles =
    data.measure === 'metric'
      ? [
          tile('Metric in float', number(data.float)),
          tile('Metric quantized', number(data.quantized)),
          tile('Lost by quantization', number(data.float - data.quantized)),
        ]
      : [tile('Error of the outputs', percent(data.quantized))];
  return `<header><h1>${escapeHtml(data.title)}</h1><p class="lead">${lead(data)}</p><dl class="tiles">${[
    ...tiles,
    tile('Quantizers', String(data.quantizers.length)),
    tile('Measured on', `${data.items} ${data.items === 1 ? 'item' : 'items'}`),
  ].join('')}</dl></header>`;
}

function lead(data: ReportData): string {
  const notable = data.quantizers.filter((row) => isNotable(row, data)).length;
  const change =
    data.measure === 'metric'
      ? `Quantization changes the metric from ${number(data.float)} to ${number(data.quantized)}.`
      : `Quantization changes the outputs of the model by ${percent(data.quantized)} of their size.`;
  const places =
    notable === 0
      ? 'No single quantizer accounts for much of that.'
      : notable === 1
        ? 'The quantizer at the top accounts for a large part of that.'
        : `The ${notable} quantizers at the top each account for a visible part of that.`;
  return `${change} ${places}`;
}

function guide(data: ReportData): string {
  const { off, harm } = words(data);
  const entry = (term: string, text: string): string => `<dt>${term}</dt><dd>${text}</dd>`;
  const metric = data.measure === 'metric';
  return `<details class="guide"><summary>New to quantization? How to read this page</summary><p>A quantized model computes with few bits: wherever a <em>quantizer</em> stands, each value is rounded to the nearest of a few <em>levels</em>. That makes the model small and fast, and a little less exact. This page shows, for each quantizer, how exact it is and what it costs.</p><dl>${[
    entry(
      'Weights and activations',
      'Weights are the numbers that training has learned. Activations are the values that flow through the network when it runs.',
    ),
    entry(
      'Range and levels',
      'The levels are spread evenly over a range. A value beyond the range becomes the nearest end of it: it is <em>cut off</em>. 8 bits give 256 levels, 4 bits 16. Weights often have a range for each output channel; then the widest is shown.',
    ),
    entry(
      'Signal to noise',
      'How large the values are beside the errors of rounding and cutting off, in decibels (dB): 20 dB means errors of a tenth of the values, 40 dB a hundredth. More is better.',
    ),
    entry(
      off,
      `${metric ? 'The metric of the model' : 'How far the outputs are from those of the model without any quantizer, relative to their size,'} with this one quantizer switched off and all others on.`,
    ),
    entry(
      harm,
      `How much ${metric ? 'metric is gained' : 'error is saved'} by that. The list is sorted by it. A value around zero or below means that this quantizer does no harm by itself.`,
    ),
    entry(
      'The drawings',
      'Bars show how often values occur, on a scale on which rare ones stay visible. Thin vertical lines are levels (where they are many, every second, fourth, … is drawn), the two strong lines the ends of the range. Hatched bars are cut off.',
    ),
  ].join('')}</dl></details>`;
}

function table(data: ReportData): string {
  const { off, harm } = words(data);
  const largest = Math.max(...data.quantizers.map((row) => row.harm ?? 0), 0);
  const head = ['#', 'Quantizer', 'What', 'Range', 'Levels', 'Cut off', 'Signal to noise', off, harm];
  const text = new Set(['Quantizer', 'What']);
  const optional = new Set(['What', 'Range', 'Levels', 'Cut off', off]);
  const cell = (name: string, content: string): string =>
    `<td class="number${optional.has(name) ? ' optional' : ''}">${content}</td>`;
  const rows = data.quantizers.map((row, index) => {
    const share = largest > 0 && row.harm !== null ? Math.max(row.harm, 0) / largest : 0;
    return `<tr><td class="number">${index + 1}</td><th scope="row"><a href="#q${index + 1}">${breakable(row.name)}</a></th><td class="optional">${kindOf(row)}</td>${[
      cell('Range', range(row)),
      cell('Levels', String(row.levels)),
      cell('Cut off', percent(row.clipped)),
      cell('Signal to noise', decibels(row.signalToNoise)),
      cell(off, row.withoutIt === null ? 'is off' : score(row.withoutIt, data)),
    ].join(
      '',
    )}<td class="number harm"><span class="bar" style="width:${(share * 100).toFixed(1)}%"></span><span>${row.harm === null ? '–' : signed(row.harm, data)}</span></td></tr>`;
  });
  return `<section id="quantizers" aria-labelledby="all"><h2 id="all">All quantizers, the most harmful first</h2><div class="scroll" role="region" aria-labelledby="all" tabindex="0"><table><thead><tr>${head
    .map((name) => {
      const classes = [...(optional.has(name) ? ['optional'] : []), ...(text.has(name) ? [] : ['number'])].join(' ');
      return `<th scope="col"${classes === '' ? '' : ` class="${classes}"`}>${name}</th>`;
    })
    .join(
      '',
    )}</tr></thead><tbody>${rows.join('')}</tbody></table></div><p class="hint">Each name leads to its drawing below.</p></section>`;
}

const cards = (data: ReportData): string =>
  `<section aria-labelledby="each"><h2 id="each">One by one</h2><div class="cards">${data.quantizers
    .map((row, index) => card(row, index + 1, data))
    .join('')}</div></section>`;

/** Who computes with the values, where that is not the operation at which the quantizer stands. */
function readBy({ readers, operation }: QuantizerReport): string {
  const others = readers.filter((name) => name !== operation);
  if (others.length === 0) return '';
  const [first, second, ...more] = others.map(breakable);
  return `, read by ${first}${second ? `, ${second}` : ''}${more.length > 0 ? ` and ${more.length} more` : ''}`;
}

function card(row: QuantizerReport, place: number, data: ReportData): string {
  const id = `q${place}`;
  const { off, harm } = words(data);
  const fact = (term: string, text: string): string => `<div><dt>${term}</dt><dd>${text}</dd></div>`;
  const interval = lineInterval(row);
  const facts = [
    fact(row.channels > 1 ? 'Widest range' : 'Range', range(row)),
    fact('Levels', `${row.levels} (${row.bits} bits)`),
    fact('Cut off', percent(row.clipped)),
    fact('Signal to noise', decibels(row.signalToNoise)),
    ...(row.withoutIt === null ? [] : [fact(off, score(row.withoutIt, data))]),
    ...(row.harm === null ? [] : [fact(harm, signed(row.harm, data))]),
  ];
  const lines = interval === 1 ? 'each line is a level' : `a line for every ${interval} levels`;
  return `<article id="${id}" aria-labelledby="${id}-name"><h3 id="${id}-name"><span class="place">${place}</span> ${breakable(row.name)}</h3><p class="meta">${kindOf(row)} · ${row.mode} · at ${breakable(row.operation)}${readBy(row)}</p><figure>${histogramSvg(row, id)}<figcaption>${row.count} values; ${lines}</figcaption></figure><dl class="facts">${facts.join('')}</dl><ul class="findings">${findings(
    row,
    data,
  )
    .map((text) => `<li>${escapeHtml(text)}</li>`)
    .join('')}</ul></article>`;
}
