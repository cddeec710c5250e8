/**
 * `npm run test:page`: the page as it is built, in headless Chromium, served with and without the headers that let threads
 * share memory, and opened as a file. `--only worker` and `--only page` run a part. Needs Chromium: CHROMIUM names the
 * program, else it is looked for, and on Debian installed. The last line is `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';
import { pageConfig } from '../../../web/vite.config.js';
import { findChromium } from '../../gpu/findChromium.js';
import { Report } from '../../package/report.js';
import { commandTests } from './engineCommands.js';
import { faultTests } from './engineFaults.js';
import { engineTests } from './engineTests.js';
import { serve } from './serve.js';

const FLAGS = ['--headless', '--no-sandbox', '--no-first-run', '--disable-background-networking'];

async function buildInto(root: string, outDir: string): Promise<string> {
  const config = pageConfig(fileURLToPath(new URL(root, import.meta.url)));
  await build({ ...config, logLevel: 'error', build: { ...config.build, outDir, emptyOutDir: true } });
  return outDir;
}

async function main(): Promise<void> {
  const report = new Report();
  const executablePath = findChromium();
  const kept = process.env.PAGE_BUILDS;
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'quantgrad-page-'));
  let browser: Browser | undefined;
  const only = process.argv[process.argv.indexOf('--only') + 1];
  const runs = (part: string): boolean => !process.argv.includes('--only') || only === part;
  const folders: Record<string, string> = {};
  if (runs('worker')) folders.engine = await buildInto('engine', join(folder, 'engine'));
  const site = await serve(folders);
  try {
    browser = await chromium.launch({ executablePath, args: FLAGS });
    console.log(`Chromium ${browser.version()}`);
    if (runs('worker')) {
      for (const tests of [engineTests, commandTests, faultTests]) await tests(browser, site, report);
    }
  } finally {
    await browser?.close();
    site.server.close();
    if (!kept) rmSync(folder, { recursive: true });
  }
  report.end();
}

await main();
