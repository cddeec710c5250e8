/**
 * The environment variables that QuantGrad reads, all in one place. In browsers there are none. What a program says with
 * options or `setThreads` comes first.
 *
 * - `QUANTGRAD_SIMD`: 128 or 256, what `init`'s option `simd` is by default.
 * - `QUANTGRAD_THREADS`: a whole number, how many threads kernels run on by default.
 */
import { ValidationError } from '../../errors.js';

/** Bits of a vector. */
export type SimdBits = 128 | 256;

function variable(name: string): string | undefined {
  const text = typeof process === 'object' ? process.env?.[name]?.trim() : undefined;
  return text === '' ? undefined : text;
}

/** @throws ValidationError `ENVIRONMENT_VALUE` */
export function environmentSimd(): SimdBits | undefined {
  const text = variable('QUANTGRAD_SIMD');
  if (text === undefined) return undefined;
  if (text === '128') return 128;
  if (text === '256') return 256;
  throw new ValidationError(
    'ENVIRONMENT_VALUE',
    `The environment variable QUANTGRAD_SIMD is '${text}'. It must be 128 or 256, or not be set (128).`,
    { variable: 'QUANTGRAD_SIMD', value: text },
  );
}

/** @throws ValidationError `ENVIRONMENT_VALUE` unless it is a whole number from 1 to `maximum` */
export function environmentThreads(maximum: number): number | undefined {
  const text = variable('QUANTGRAD_THREADS');
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= maximum) return count;
  throw new ValidationError(
    'ENVIRONMENT_VALUE',
    `The environment variable QUANTGRAD_THREADS is '${text}'. It must be a whole number from 1 to ${maximum}, or not be set (the number of cores).`,
    { variable: 'QUANTGRAD_THREADS', value: text },
  );
}
