/** Threads in a browser: only where the page is isolated from other origins. Needs Chromium (or CHROMIUM names one). */
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

function findChromium(): string | null {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // Not there: try the next name.
    }
  }
  return null;
}

const executablePath = findChromium();

describe.skipIf(executablePath === null)('in Chromium', () => {
  let browser: Browser;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL('./programs/page.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      // Workers must survive what users' bundlers do.
      minify: true,
      write: false,
      logLevel: 'warning',
    });
    server = createServer((request, response) => {
      if (request.url?.startsWith('/isolated')) {
        response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      }
      const isScript = request.url?.endsWith('.js');
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? bundle.outputFiles[0].contents : '<script type="module" src="page.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function outcome(path: string): Promise<unknown> {
    const page = await browser.newPage();
    try {
      await page.goto(`${url}${path}`);
      await page.waitForFunction('document.title.startsWith("{")', undefined, { timeout: 50_000 });
      return JSON.parse(await page.title());
    } finally {
      await page.close();
    }
  }

  it('an isolated page has threads', { timeout: 60_000 }, async () => {
    expect(await outcome('/isolated/')).toEqual({ isolated: true, threads: 3, right: 201, lazyThreads: 2 });
  });

  it('another page has one', { timeout: 60_000 }, async () => {
    expect(await outcome('/plain/')).toEqual({ isolated: false, threads: 1, right: 201, lazyThreads: 1 });
  });
});
