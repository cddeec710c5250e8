/** The attributes of a layer that is being read, with the types that its definition expects. */
import type { OpenvinoDataReader } from '../autograd/operation.js';
import { FormatError } from '../errors.js';

/** What OpenVINO's reader takes for true and false. */
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

export class LayerData implements OpenvinoDataReader {
  readonly #data: Readonly<Record<string, string>>;

  constructor(data: Readonly<Record<string, string>> | null) {
    this.#data = data ?? {};
  }

  number(name: string, fallback?: number): number {
    const text = this.#text(name, fallback);
    return typeof text === 'string' ? parseNumber(name, text) : text;
  }

  /** Without a fallback false, which is what OpenVINO's operations begin with. */
  boolean(name: string, fallback = false): boolean {
    const text = this.#text(name, fallback);
    if (typeof text !== 'string') return text;
    const value = BOOLEANS[text.trim().toLowerCase()];
    if (value !== undefined) return value;
    throw new FormatError('IR_DATA', `the attribute ${name} is '${text}', but must be true or false.`, { name });
  }

  string(name: string, fallback?: string): string {
    return this.#text(name, fallback);
  }

  numbers(name: string, fallback?: readonly number[]): number[] {
    const text = this.#text(name, fallback);
    if (typeof text !== 'string') return [...text];
    return text.trim() === '' ? [] : text.split(',').map((item) => parseNumber(name, item));
  }

  #text<T>(name: string, fallback: T | undefined): string | T {
    const text = this.#data[name];
    if (text !== undefined) return text;
    if (fallback !== undefined) return fallback;
    throw new FormatError('IR_DATA_MISSING', `the attribute ${name} is missing.`, { name });
  }
}

function parseNumber(name: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new FormatError('IR_DATA', `the attribute ${name} holds '${text.trim()}', which is not a number.`, { name });
}
