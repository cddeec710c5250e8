/** Tests run in Node against the sources; `quantgrad` means this package, as in a user's program. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = fileURLToPath(new URL('./src/', import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^quantgrad$/, replacement: `${source}index.ts` },
      { find: /^quantgrad\/([a-z/]+)$/, replacement: `${source}$1/index.ts` },
    ],
  },
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // Processes rather than threads: tests measure memory, start children and read exit codes.
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    // Many processes share the cores, and most tensors of tests are too small to share. Tests of threads ask for them.
    env: { QUANTGRAD_THREADS: '1' },
    testTimeout: 30_000,
  },
});
