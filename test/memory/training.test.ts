/** Training does not need more and more memory. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/trainDigits.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STEPS = 2000;
const MOST_GROWTH = 50 * 2 ** 20;
/** A tensor of 128 bytes a step would be more. */
const MOST_HEAP_GROWTH = 2 ** 17;

describe.concurrent('memory over 2,000 steps', () => {
  it.each([
    ['wasm', 'float'],
    ['wasm', 'quantized'],
  ])('stays where it was: %s, %s network', { timeout: 300_000 }, async (backend, kind) => {
    const values = ['--expose-gc', '--import', 'tsx', PROGRAM, backend, kind, String(STEPS)];
    const { stdout } = await promisify(execFile)(process.execPath, values, { cwd: ROOT });
    const { resident, heap } = JSON.parse(stdout) as { readonly resident: number[]; readonly heap: number[] };
    expect(resident).toHaveLength(STEPS / 100);
    expect(Math.max(...resident) - resident[0]).toBeLessThan(MOST_GROWTH);
    expect(heap).toHaveLength(STEPS / 400);
    if (backend === 'wasm') expect(heap[0]).toBeGreaterThan(0);
    // An arena that is idle for a moment may have been given back.
    expect(Math.max(...heap.slice(3)) - Math.max(...heap.slice(0, 3))).toBeLessThan(MOST_HEAP_GROWTH);
  });
});
