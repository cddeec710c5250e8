/**
 * Whether the JavaScript engine can join two 128-bit vectors into one of 256 bits, and how it is told to: V8 has a pass
 * that does so for code written for it, behind a flag that Node lets a program set while it runs.
 *
 * The flag is on just while a module of ours is compiled. Other WebAssembly of the process, and our own for 128 bits,
 * is compiled as always.
 */
import type * as fileSystem from 'node:fs';
import { compileWithFlags, type Flag, isNode, nodeModule, OPTIMIZED } from './engineFlags.js';

export interface WideEngine {
  /** Why it cannot be done here; null where it can. */
  obstacle(): string | null;
  /** Runs `compile`, which compiles a module at once and is meant to be joined. */
  compileWide(compile: () => WebAssembly.Module): WebAssembly.Module;
}

/** What decides; tests exchange it. */
export interface WideTrial {
  readonly engine: WideEngine;
  /** What is wrong with code that the engine compiles for 256 bits, or null. */
  readonly check: (engine: WideEngine, relaxed: boolean) => string | null;
}

/** The first version of Node whose pass is known to be right for the code that is written here. */
const FIRST_NODE = 24;

/** The pass, and what makes it come at once: it is a part of the optimizing compiler. */
const FLAGS: readonly Flag[] = [
  ['--experimental-wasm-revectorize', '--no-experimental-wasm-revectorize'],
  ...OPTIMIZED,
];

/** What is known of the program's surroundings. */
export interface Surroundings {
  /** `process.versions`; undefined in browsers. */
  readonly versions?: Readonly<Record<string, string | undefined>>;
  /** Whether the engine was built with the pass. */
  readonly built?: boolean;
  readonly arch?: string;
  /** Features of the processor; undefined where the system does not say: then AVX2 is taken for granted. */
  readonly features?: readonly string[];
}

/** Why vectors cannot be joined there, as the end of a sentence; null where they can. */
export function findObstacle({ versions, built, arch, features }: Surroundings): string | null {
  if (!versions?.node || !isNode(versions)) {
    return 'only Node lets a program switch V8 to 256 bits, and this is not Node';
  }
  if (Number.parseInt(versions.node, 10) < FIRST_NODE) {
    return `it takes Node ${FIRST_NODE} or newer, and this is Node ${versions.node}`;
  }
  if (!built) return 'this Node was built without the pass of V8 that joins vectors';
  if (arch !== 'x64') return `it takes an x64 processor with AVX2, and this is ${arch}`;
  return !features || features.includes('avx2') ? null : 'this processor has no AVX2';
}

function surroundings(): Surroundings {
  if (typeof process !== 'object' || !process.versions) return {};
  const { versions, arch, config, platform } = process;
  const variables = config?.variables as Readonly<Record<string, unknown>> | undefined;
  return {
    versions,
    built: Boolean(variables?.v8_enable_wasm_simd256_revec),
    arch,
    features: platform === 'linux' ? linuxFeatures() : undefined,
  };
}

function linuxFeatures(): readonly string[] | undefined {
  try {
    const text = nodeModule<typeof fileSystem>('node:fs')?.readFileSync('/proc/cpuinfo', 'utf8') ?? '';
    return /^flags\s*:(.*)$/m.exec(text)?.[1].trim().split(/\s+/);
  } catch {
    return undefined;
  }
}

let obstacle: string | null | undefined;

export const nodeWideEngine: WideEngine = {
  obstacle() {
    if (obstacle === undefined) obstacle = findObstacle(surroundings());
    return obstacle;
  },
  compileWide: (compile) => compileWithFlags(FLAGS, compile),
};
