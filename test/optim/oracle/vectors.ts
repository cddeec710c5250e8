/** Reads what `make_vectors.py` wrote. */
import { readFileSync } from 'node:fs';

/** Options with PyTorch's names. */
export type PythonOptions = Readonly<Record<string, unknown>>;

export interface OptimizerVectors {
  readonly inputs: {
    readonly shapes: number[][];
    readonly initial: number[][];
    /** By step and parameter. */
    readonly gradients: number[][][];
  };
  readonly cases: readonly {
    readonly name: string;
    readonly options: PythonOptions;
    readonly trace: readonly { readonly step: number; readonly parameters: number[][] }[];
    readonly state: Readonly<Record<string, number[]>>;
  }[];
}

export interface SchedulerVectors {
  readonly metrics: readonly number[];
  readonly cases: readonly {
    readonly name: string;
    readonly optimizer: string;
    readonly options: PythonOptions;
    /** Rates and momenta of the groups after the constructor and after each step. */
    readonly rows: readonly [number[], number[]][];
  }[];
}

export interface ClippingVectors {
  readonly shapes: number[][];
  readonly gradients: number[][];
  readonly norm: readonly { maxNorm: number; normType: number | 'inf'; total: number; clipped: number[][] }[];
  readonly value: { readonly clipValue: number; readonly clipped: number[][] };
}

export const readVectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as T;

/** PyTorch's spelling in ours: weight_decay -> weightDecay, T_max -> tMax. */
export const camelCase = (name: string): string =>
  (name[0].toLowerCase() + name.slice(1)).replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const camelOptions = (options: PythonOptions): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value]));

/** The largest difference, relative to the larger of 1 and the expected magnitude. */
export function difference(actual: ArrayLike<number>, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  expected.forEach((value, index) => {
    const error = Math.abs(actual[index] - value) / Math.max(1, Math.abs(value));
    largest = Math.max(largest, error);
  });
  return largest;
}
