/**
 * How a module of ours is compiled where the program can choose: Node lets it set flags of V8 while it runs. They are on
 * just while the module is compiled; other WebAssembly of the process is compiled as always.
 */
import type * as v8 from 'node:v8';

/** A flag that is on while a module is compiled: what sets it, and what ends it. */
export type Flag = readonly [on: string, off: string];

/**
 * All functions go to the optimizing compiler at once. Without these flags they begin in code that is made fast and runs
 * slowly, and are compiled again when they have run for a while.
 */
export const OPTIMIZED: readonly Flag[] = [
  ['--no-wasm-lazy-compilation', '--wasm-lazy-compilation'],
  ['--no-liftoff', '--liftoff'],
];

/**
 * Belongs to `--no-liftoff`: code that may go back to the first kind needs counts that only that kind makes, and V8 ends the
 * process where they are missing. On by default from this version of Node on (V8 13.7).
 */
const DEOPTIMIZATION: Flag = ['--no-wasm-deopt', '--wasm-deopt'];
const DEOPTIMIZATION_NODE = 25;

const nodeVersion = (): number => Number.parseInt(process.versions.node, 10);

/** A module of Node, without an import that a bundler for browsers would follow. Node 20.16 and newer. */
export function nodeModule<T>(name: string): T | undefined {
  const load = process.getBuiltinModule as ((name: string) => unknown) | undefined;
  return load?.(name) as T | undefined;
}

/** Whether this is Node itself: Bun and Deno call themselves so too. */
export function isNode(versions: Readonly<Record<string, string | undefined>> | undefined): boolean {
  return Boolean(versions?.node && versions.v8 && !versions.bun && !versions.deno);
}

/** V8's switch of flags; undefined in browsers and other engines. */
function flagSetter(): typeof v8.setFlagsFromString | undefined {
  if (typeof process !== 'object' || !isNode(process.versions)) return undefined;
  return nodeModule<typeof v8>('node:v8')?.setFlagsFromString;
}

/** Runs `compile`, which compiles a module at once, with flags on. Where they cannot be set, it just runs. */
export function compileWithFlags(wanted: readonly Flag[], compile: () => WebAssembly.Module): WebAssembly.Module {
  const setFlag = flagSetter();
  if (!setFlag) return compile();
  // A flag that the program itself was started with stays.
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  const given = new Set(words.map((word) => word.replaceAll('_', '-')));
  const all = nodeVersion() < DEOPTIMIZATION_NODE ? wanted : [...wanted, DEOPTIMIZATION];
  const flags = all.filter(([on, off]) => !given.has(on) && !given.has(off));
  for (const [on] of flags) setFlag(on);
  try {
    return compile();
  } finally {
    for (const [, off] of flags) setFlag(off);
  }
}
