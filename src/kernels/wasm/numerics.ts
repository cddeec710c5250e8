/**
 * How kernels compute. The mode says how they round. Vectors have 128 bits, as every engine with WebAssembly SIMD has, or
 * 256 where a program asks for it, the engine can do it, and what it compiles proves right.
 */
import { ValidationError } from '../../errors.js';
import { environmentSimd, type SimdBits } from './environment.js';
import { kernelGeneration } from './kernels/index.js';
import { relaxedSimdSupported } from './support.js';
import type { WideTrial } from './wideEngine.js';
import { ENGINE_TRIAL } from './wideTrial.js';

export type { WideTrial } from './wideEngine.js';

/** How numbers are rounded. */
export type NumericMode = 'portable' | 'fast';

export interface NumericOptions {
  /**
   * `portable` (default): plain SIMD, the same bits on every machine, engine and browser. `fast`: the relaxed multiply-add
   * where the engine has it; the last bits then depend on the machine.
   */
  readonly mode?: NumericMode;
  /**
   * Bits of a vector. 256 is for Node 24 and newer on x64 with AVX2; what the engine compiles is checked first. Where that
   * fails, or it cannot be done, there is a warning and 128. Does not change a bit of any result.
   * Default: the environment variable `QUANTGRAD_SIMD`, else 128.
   */
  readonly simd?: SimdBits;
}

/** What was chosen from the options. */
export interface Numerics {
  readonly mode: NumericMode;
  /** Whether kernels use the relaxed multiply-add: in `fast` mode where the engine has it. */
  readonly relaxed: boolean;
  readonly simd: SimdChoice;
}

export interface SimdChoice {
  readonly bits: SimdBits;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** What checks found, by mode and kernels, so that each is made once. */
const findings = new WeakMap<WideTrial, Map<string, string | null>>();
const warned = new WeakMap<WideTrial, Set<string>>();

function finding(trial: WideTrial, relaxed: boolean): string | null {
  const known = findings.get(trial) ?? new Map<string, string | null>();
  findings.set(trial, known);
  const key = `${relaxed} ${kernelGeneration()}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const fault = trial.check(trial.engine, relaxed);
  known.set(key, fault);
  return fault;
}

function warnOnce(trial: WideTrial, reason: string): void {
  const said = warned.get(trial) ?? new Set<string>();
  warned.set(trial, said);
  if (said.has(reason)) return;
  said.add(reason);
  // biome-ignore lint/suspicious/noConsole: the program goes on, slower than was asked for; its author should know.
  console.warn(`QuantGrad: 256-bit SIMD was asked for, but ${reason}. Kernels run with 128 bits.`);
}

/**
 * @param wanted What the program asks for; undefined leaves it to `QUANTGRAD_SIMD`, and that to 128.
 * @throws ValidationError `INVALID_OPTION`, `ENVIRONMENT_VALUE`
 */
function chooseSimd(wanted: SimdBits | undefined, relaxed: boolean, trial: WideTrial): SimdChoice {
  if (wanted !== undefined && wanted !== 128 && wanted !== 256) {
    throw new ValidationError('INVALID_OPTION', `simd is ${String(wanted)}. It must be 128 (default) or 256.`, {
      option: 'simd',
      value: wanted,
    });
  }
  const bits = wanted ?? environmentSimd();
  const origin = wanted === undefined ? 'QUANTGRAD_SIMD' : "the option 'simd'";
  if (bits === undefined) return { bits: 128, reason: '128 is the default' };
  if (bits === 128) return { bits, reason: `${origin} says 128` };
  const obstacle = trial.engine.obstacle();
  if (obstacle !== null) {
    warnOnce(trial, obstacle);
    return { bits: 128, reason: `${origin} says 256, but ${obstacle}` };
  }
  const fault = finding(trial, relaxed);
  if (fault !== null) {
    const reason = `the check of what the engine compiles failed: ${fault}`;
    warnOnce(trial, reason);
    return { bits: 128, reason: `${origin} says 256, but ${reason}` };
  }
  return { bits: 256, reason: `${origin} says 256, and the check of what the engine compiles passed` };
}

/** @throws ValidationError `INVALID_OPTION`, `ENVIRONMENT_VALUE` */
export function chooseNumerics({ mode = 'portable', simd }: NumericOptions, trial = ENGINE_TRIAL): Numerics {
  if (mode !== 'portable' && mode !== 'fast') {
    throw new ValidationError(
      'INVALID_OPTION',
      `mode is '${String(mode)}'. It must be 'portable' (default) or 'fast'.`,
      { option: 'mode', value: mode },
    );
  }
  const relaxed = mode === 'fast' && relaxedSimdSupported();
  return { mode, relaxed, simd: chooseSimd(simd, relaxed, trial) };
}
