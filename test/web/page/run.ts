/**
 * `npm run test:page`: the page as it is built, in headless Chromium, served with and without the headers that let threads
 * share memory, and opened as a file; and what `npm run web` serves. `--only worker` and `--only page` run a part. Needs
 * Chromium: CHROMIUM names the program, else it is looked for, and on Debian installed. The last line is
 * `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';
import { pageConfig } from '../../../web/vite.config.js';
import { findChromium } from '../../gpu/findChromium.js';
import { Report } from '../../package/report.js';
import { commandTests } from './engineCommands.js';
import { faultTests } from './engineFaults.js';
import { engineTests } from './engineTests.js';
import { controlTests } from './pageControls.js';
import { pageFaultTests } from './pageFaults.js';
import { devServerTest, pageTests } from './pageTests.js';
import { serve } from './serve.js';

/** The GPU is Chromium's software one, which is there to be lost; nothing chooses it by itself. */
const FLAGS = ['--headless', '--no-sandbox', '--no-first-run', '--disable-background-networking'];
const WEB = fileURLToPath(new URL('../../../web', import.meta.url));
const BARE = fileURLToPath(new URL('engine', import.meta.url));

async function buildInto(root: string, outDir: string): Promise<string> {
  const config = pageConfig(root);
  await build({ ...config, logLevel: 'error', build: { ...config.build, outDir, emptyOutDir: true } });
  return outDir;
}

/** Whether a part of the tests is asked for. */
function asksFor(part: 'worker' | 'page'): boolean {
  const at = process.argv.indexOf('--only');
  return at < 0 || process.argv[at + 1] === part;
}

async function main(): Promise<void> {
  const report = new Report();
  const executablePath = findChromium();
  const folder = mkdtempSync(join(tmpdir(), 'quantgrad-page-'));
  const folders: Record<string, string> = {};
  let browser: Browser | undefined;
  const site = await serve(folders);
  try {
    if (asksFor('worker')) folders.engine = await buildInto(BARE, join(folder, 'engine'));
    if (asksFor('page')) folders.page = await buildInto(WEB, join(folder, 'page'));
    browser = await chromium.launch({ executablePath, args: FLAGS });
    console.log(`Chromium ${browser.version()}`);
    if (asksFor('worker')) {
      for (const tests of [engineTests, commandTests, faultTests]) await tests(browser, site, report);
    }
    if (asksFor('page')) {
      await pageTests(browser, site, report, pathToFileURL(join(folders.page, 'index.html')).href);
      for (const tests of [controlTests, pageFaultTests]) await tests(browser, site, report);
      await devServerTest(browser, report, WEB);
    }
  } finally {
    await browser?.close();
    site.server.close();
    rmSync(folder, { recursive: true });
  }
  report.end();
}

await main();
