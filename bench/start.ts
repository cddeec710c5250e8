/** How benchmarks choose the engine: the same options in all of them. */
import { spawnSync } from 'node:child_process';
import { init } from 'quantgrad';
import { nodeProgram } from './engine.js';

/** Texts from the command line. */
export interface EngineOptions {
  readonly threads?: string;
  readonly simd?: string;
  readonly mode?: string;
}

/** One of the words, or undefined where nothing is said. */
function oneOf<T extends string>(option: string, value: string | undefined, words: readonly T[]): T | undefined {
  if (value === undefined || words.includes(value as T)) return value as T | undefined;
  throw new Error(`--${option} is ${words.join(' or ')}, not '${value}'.`);
}

/** Bits of a vector and how numbers are rounded; 256 bits are for speed, and so bring the fast mode. */
export function numericsOf({ simd, mode }: EngineOptions): {
  readonly simd?: 128 | 256;
  readonly mode: 'portable' | 'fast';
} {
  const bits = oneOf('simd', simd, ['128', '256']);
  return {
    simd: bits === undefined ? undefined : bits === '256' ? 256 : 128,
    mode: oneOf('mode', mode, ['portable', 'fast']) ?? (bits === '256' ? 'fast' : 'portable'),
  };
}

/** Chooses the WebAssembly backend. */
export async function start(options: EngineOptions): Promise<void> {
  const threads = options.threads === undefined ? undefined : Number(options.threads);
  await init({ backend: 'wasm', threads, ...numericsOf(options) });
}

/** Runs the script of this process with another version of Node, on the same options. */
export function runWith(version: string): void {
  const [, script, ...given] = process.argv;
  const values = given.filter(
    (value, index, all) => value !== '--node' && all[index - 1] !== '--node' && !value.startsWith('--node='),
  );
  const { status } = spawnSync(nodeProgram(version), ['--import', 'tsx', script, ...values], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
