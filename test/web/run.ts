/**
 * `npm run test:web`: the installed package in real browsers' pages, as Vite, webpack, esbuild and no bundler at all make
 * them, in the page and in a worker, with threads and without, and under a Content-Security-Policy. Every one trains and
 * quantizes a network, and must get the bits that Node gets. Runs in headless Chromium; installs webpack into a temporary
 * folder. `--no-build` takes dist as it is, `--only <name>` runs the builds of that name only. The last line is `N passed, N failed`.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../gpu/findChromium.js';
import { installPackage, runOrThrow } from '../package/install.js';
import { ensure, Report } from '../package/report.js';
import { makeBuilds } from './builds.js';

const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** How a page is served: with the headers that isolate it or not, and its Content-Security-Policy. */
const SERVINGS = {
  isolated: { isolated: true, policy: '', threads: 2, what: 'isolated: two threads' },
  plain: { isolated: false, policy: '', threads: 1, what: 'not isolated: one thread' },
  strict: {
    isolated: true,
    policy: STRICT,
    threads: 1,
    what: "only 'self' and 'wasm-unsafe-eval' allowed: one thread",
  },
  blob: {
    isolated: true,
    policy: `${STRICT}; worker-src 'self' blob:`,
    threads: 2,
    what: "'wasm-unsafe-eval', and workers from blob: two threads",
  },
} as const;
type Serving = keyof typeof SERVINGS;

interface Outcome {
  readonly error?: string;
  readonly backend: string;
  readonly isolated: boolean;
  readonly threads: number;
  readonly losses: readonly number[];
  readonly values: readonly number[];
  readonly bin: number;
}

/** Serves `/<serving>/<number of the build>/...`. */
async function serve(folders: readonly string[]): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const [, serving, number, ...rest] = path.split('/');
    const folder = folders[Number(number)];
    const given = SERVINGS[serving as Serving];
    const file = rest.join('/') || 'index.html';
    try {
      if (!folder || !given) throw new Error('There is no such build.');
      const content = readFileSync(join(folder, file));
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
      if (given.isolated) {
        response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      }
      if (given.policy) response.setHeader('Content-Security-Policy', given.policy);
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** What the program gives in Node, whose bits all pages must have. */
function runInNode(folder: string): Outcome {
  const program = "import { train } from './app/train.js'; console.log(JSON.stringify(await train())); process.exit();";
  const args = ['--no-warnings', '--input-type=module', '--eval', program];
  return JSON.parse(runOrThrow(process.execPath, args, folder)) as Outcome;
}

async function runPage(browser: Browser, address: string): Promise<Outcome> {
  const page = await browser.newPage();
  const messages: string[] = [];
  page.on('pageerror', (error) => messages.push(error.message));
  page.on('console', (message) => messages.push(message.text()));
  try {
    await page.goto(address);
    await page.waitForFunction(() => 'outcome' in globalThis, undefined, { timeout: 60_000 });
    return await page.evaluate(() => (globalThis as unknown as { outcome: Outcome }).outcome);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)} ${messages.join('; ').slice(0, 1000)}`);
  } finally {
    await page.close();
  }
}

function compare(outcome: Outcome, expected: Outcome, serving: Serving): string {
  ensure(outcome.error === undefined, String(outcome.error));
  const { isolated, threads } = SERVINGS[serving];
  ensure(outcome.backend === 'wasm', `it ran on ${outcome.backend}`);
  ensure(outcome.isolated === isolated, `crossOriginIsolated is ${outcome.isolated}`);
  ensure(outcome.threads === threads, `it ran on ${outcome.threads} threads, not ${threads}`);
  for (const key of ['losses', 'values', 'bin'] as const) {
    const [found, wanted] = [JSON.stringify(outcome[key]), JSON.stringify(expected[key])];
    ensure(found === wanted, `${key}: ${found}, but Node has ${wanted}`);
  }
  return "Node's bits";
}

async function main(): Promise<void> {
  const report = new Report();
  const executablePath = findChromium();
  const installed = installPackage();
  let server: Server | undefined;
  let browser: Browser | undefined;
  try {
    const builds = await makeBuilds(installed.folder);
    const expected = runInNode(installed.folder);
    const served = await serve([...builds.values()]);
    server = served.server;
    browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--no-first-run'] });
    console.log(`Chromium ${browser.version()}; Node runs on ${expected.threads} threads`);
    const only = process.argv.indexOf('--only') + 1;
    for (const [number, name] of [...builds.keys()].entries()) {
      if (only > 0 && !name.startsWith(process.argv[only])) continue;
      const hasWorker = !name.includes('classic');
      const runs: [Serving, boolean][] = [
        ['isolated', false],
        ['plain', false],
        ['strict', false],
        ...(hasWorker
          ? ([
              ['isolated', true],
              ['strict', true],
            ] as [Serving, boolean][])
          : []),
        ...(number === 0 ? ([['blob', false]] as [Serving, boolean][]) : []),
      ];
      for (const [serving, worker] of runs) {
        const { what, threads } = SERVINGS[serving];
        const query = `?threads=${threads}${worker ? '&worker' : ''}`;
        const address = `${served.url}${serving}/${number}/${query}`;
        await report.check(`${name}, in ${worker ? 'a worker' : 'the page'}, ${what}`, async () =>
          compare(await runPage(browser as Browser, address), expected, serving),
        );
      }
    }
  } finally {
    await browser?.close();
    server?.close();
    installed.remove();
  }
  report.end();
}

await main();
