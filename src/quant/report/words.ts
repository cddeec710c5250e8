/** How a report says its numbers, for people who have not met quantization before. */
import type { QuantizerReport, ReportData } from './reportData.js';

/** A number with three digits, without an exponent where that is readable. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : value < 0 ? '−∞' : '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
  return text.replace('-', '−');
}

/** A share of 1 in percent. */
export function percent(share: number): string {
  if (share === 0) return '0 %';
  const value = share * 100;
  if (Math.abs(value) < 0.001) return value < 0 ? '> −0.001 %' : '< 0.001 %';
  return `${String(Number(value.toPrecision(3))).replace('-', '−')} %`;
}

export const decibels = (value: number): string =>
  Number.isFinite(value) ? `${value.toFixed(1).replace('-', '−')} dB` : value > 0 ? 'exact' : '–';

export const range = ({ low, high }: QuantizerReport): string => `${number(low)} … ${number(high)}`;

/** A metric or an error. */
export const score = (value: number, { measure }: Pick<ReportData, 'measure'>): string =>
  measure === 'metric' ? number(value) : percent(value);

export function signed(value: number, data: Pick<ReportData, 'measure'>): string {
  const text = score(value, data);
  return value > 0 ? `+${text}` : text;
}

export const kindOf = ({ kind, channels }: QuantizerReport): string =>
  `${kind}${channels > 1 ? `, ${channels} channels` : ''}`;

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** The option that gives the place more bits. */
const moreBits = ({ layers, kind, bits }: QuantizerReport): string =>
  `bitsByName: { ${layers.map((layer) => `'${layer}': { ${kind}: ${Math.min(8, bits * 2)} }`).join(', ')} }`;

const CUT_OFF_MUCH = 0.01;
const FILLED_LITTLE = 0.25;
const NOISY = 10;
const CLEAR = 25;

/** What one sees at a quantizer, and what could be done: a sentence or several. */
export function findings(row: QuantizerReport, data: ReportData): string[] {
  const found: string[] = [];
  if (!row.enabled) found.push('This quantizer is switched off: values pass unchanged.');
  if (row.clipped >= CUT_OFF_MUCH)
    found.push(
      `${percent(row.clipped)} of the values lie beyond the range and are cut off. The range is narrow: calibrate on more data, try another range estimator, or let training move the range.`,
    );
  if (row.filled < FILLED_LITTLE)
    found.push(
      `The values fill only ${percent(row.filled)} of the range, so most levels are never used. Single outliers at calibration may have made it that wide.`,
    );
  if (row.signalToNoise < NOISY) found.push('Rounding changes these values a lot: the error is large beside them.');
  else if (row.signalToNoise < CLEAR) found.push('Rounding is noticeable beside the values.');
  else found.push('Rounding is small beside the values.');
  if (isNotable(row, data)) {
    const advice =
      row.bits < 8
        ? `More bits here may be worth it: ${moreBits(row)}.`
        : `Fine-tuning may win this back; to leave its readers in float: ignoredScope: { names: [${quoted(row.readers)}] }.`;
    found.push(
      `Without this quantizer the ${data.measure === 'metric' ? 'metric' : 'output error'} would be ${score(row.withoutIt ?? 0, data)} instead of ${score(data.quantized, data)}. ${advice}`,
    );
  }
  return found;
}

/** Whether a quantizer costs a visible part of what all of them cost. */
export const isNotable = (
  { harm }: Pick<QuantizerReport, 'harm'>,
  { float, quantized }: Pick<ReportData, 'float' | 'quantized'>,
): boolean => harm !== null && harm > 0 && harm >= 0.1 * Math.abs(quantized - float);
