/** Training does not need more and more memory. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/trainDigits.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STEPS = 2000;
const MOST_GROWTH = 50 * 2 ** 20;

describe.concurrent('the resident set', () => {
  it.each(['float', 'quantized'])(
    'stays within 50 MB of its value after 100 steps (%s network)',
    { timeout: 300_000 },
    async (kind) => {
      const values = ['--import', 'tsx', PROGRAM, kind, String(STEPS)];
      const { stdout } = await promisify(execFile)(process.execPath, values, { cwd: ROOT });
      const [first, ...later] = JSON.parse(stdout) as number[];
      expect(later).toHaveLength(STEPS / 100 - 1);
      expect(Math.max(...later) - first).toBeLessThan(MOST_GROWTH);
    },
  );
});
