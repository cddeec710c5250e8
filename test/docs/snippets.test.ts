/** Runs the TypeScript snippets of the README and the documents, so that they cannot go stale. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
);

mkdirSync(join(root, '.tmp'), { recursive: true });
const folder = mkdtempSync(join(root, '.tmp/snippets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const snippets = documents.flatMap((document) =>
  [...readFileSync(join(root, document), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code], index) => ({
    document,
    index,
    code,
  })),
);

test('the documents have snippets', () => {
  expect(snippets.length).toBeGreaterThanOrEqual(4);
});

test.each(snippets)('$document, snippet $index runs', async ({ document, index, code }) => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  // Snippets write files under plain names; here those belong into the test's own folder.
  const placed = code.replace(/'([\w.-]+\.(?:safetensors|xml))'/g, (_, name: string) =>
    JSON.stringify(join(folder, name)),
  );
  const path = join(folder, `${document.replace(/\W/g, '_')}_${index}.ts`);
  writeFileSync(path, placed);
  await import(path);
});
