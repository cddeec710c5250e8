/**
 * `npm run test:faults`: what the engine does in real Chromium when something is missing or breaks: graphics that are lost in
 * mid-step, full or absent, threads that are killed or forbidden, an engine without SIMD, tabs without timers or frozen, wrong files.
 * Each must be a typed error or a sentence in `info()`, and training must go on. `--only <text>` runs those with the text
 * in their name. The last line is `N passed, N failed`.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../gpu/findChromium.js';
import { ensure, Report } from '../../package/report.js';
import type { FaultName } from './program.js';

const TIME_LIMIT = 170_000;
const FLAGS = ['--headless', '--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'];
/** How browsers are started; each kind is started once. */
const BROWSERS = {
  graphics: ['--enable-unsafe-webgpu'],
  'no graphics': ['--disable-3d-apis', '--disable-features=WebGPU'],
  // Without these instructions V8 has no WebAssembly SIMD.
  'no SIMD': ['--js-flags=--no-enable-sse4-1 --no-enable-ssse3 --no-enable-sse4-2 --no-enable-avx --no-enable-avx2'],
} as const;

type Place = 'page' | 'worker';

interface Fault {
  readonly what: string;
  readonly program: FaultName;
  readonly given?: unknown;
  readonly places?: readonly Place[];
  readonly browser?: keyof typeof BROWSERS;
  readonly serving?: 'isolated' | 'plain' | 'strict';
  /** What is done to the page while it runs. */
  readonly meanwhile?: (page: Page, session: CDPSession) => Promise<void>;
}

/** Freezes the page as browsers freeze tabs that are long hidden, and wakes it again. */
async function freeze(page: Page, session: CDPSession): Promise<void> {
  const steps = (): Promise<number> =>
    page.evaluate(() => (globalThis as { progress?: number[] }).progress?.length ?? 0);
  await page.waitForFunction(() => ((globalThis as { progress?: number[] }).progress?.length ?? 0) > 0);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  ensure((await steps()) < 4, 'the training ended while the page was frozen, so that nothing was tested');
}

const BOTH = ['page', 'worker'] as const;
const GRAPHICS_MODES = ['webgl2', 'webgpu'] as const;

const LIST: readonly Fault[] = [
  ...GRAPHICS_MODES.flatMap((mode): Fault[] => [
    { what: `${mode} lost in mid-step`, program: 'lostInMidStep', given: { mode }, places: BOTH },
    { what: `${mode} out of memory`, program: 'outOfMemory', given: { mode } },
    { what: `${mode}, a tensor of more elements than float32 counts`, program: 'manyElements', given: { mode } },
    { what: `${mode} without timers and frames`, program: 'noTimers', given: { backend: mode } },
  ]),
  {
    what: 'webgl2 lost in a step of a quantized network',
    program: 'lostInMidStep',
    given: { mode: 'webgl2', quantized: true },
  },
  { what: 'webgl2, a tensor larger than the largest texture', program: 'tooLarge' },
  // Chromium's switch takes WebGL from pages only.
  { what: 'no WebGPU and no WebGL 2', program: 'noGraphics', browser: 'no graphics' },
  { what: 'only a GPU in software', program: 'software', places: BOTH },
  { what: 'no WebAssembly SIMD', program: 'noSimd', browser: 'no SIMD' },
  {
    what: 'no SharedArrayBuffer',
    program: 'oneThread',
    given: { because: 'not cross-origin isolated' },
    serving: 'plain',
    places: BOTH,
  },
  {
    what: 'workers that a Content-Security-Policy forbids',
    program: 'oneThread',
    given: { because: 'Content-Security-Policy' },
    serving: 'strict',
  },
  { what: 'a thread that was killed', program: 'workerKilled', places: BOTH },
  { what: 'WebAssembly without timers and frames', program: 'noTimers', given: { backend: 'wasm' }, places: BOTH },
  { what: 'a tab that is frozen in the middle', program: 'longTraining', meanwhile: freeze },
  { what: 'wrong and damaged files', program: 'wrongFiles' },
];

async function serve(): Promise<{ server: Server; url: string }> {
  const entry = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry('page.ts'), entry('worker.ts')],
    bundle: true,
    // GPU.js is a file of its own, so that loading it shows.
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    external: ['node:*'],
    outdir: '/',
    write: false,
    logLevel: 'warning',
  });
  const scripts = new Map(outputFiles.map(({ path, contents }) => [path.slice(path.lastIndexOf('/') + 1), contents]));
  const server = createServer((request, response) => {
    const [, serving, name] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/');
    if (serving !== 'plain') {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    if (serving === 'strict') {
      response.setHeader('Content-Security-Policy', "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
    }
    const script = scripts.get(name);
    response.setHeader('Content-Type', script || name ? 'text/javascript' : 'text/html');
    response.end(
      script ?? (name ? '' : '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Runs a fault's program in a page of its own. */
async function run(browser: Browser, url: string, fault: Fault, place: Place): Promise<string | undefined> {
  const page = await browser.newPage();
  const unhandled: string[] = [];
  page.on('pageerror', ({ message }) => unhandled.push(message));
  try {
    await page.goto(`${url}/${fault.serving ?? 'isolated'}/`);
    await page.waitForFunction(() => 'runFault' in window);
    const running = page.evaluate(([name, given, where]) => window.runFault(name, given, where), [
      fault.program,
      fault.given,
      place,
    ] as const);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`It does not end within ${TIME_LIMIT / 1000} s.`)), TIME_LIMIT);
    });
    const work = (async () => {
      await fault.meanwhile?.(page, await page.context().newCDPSession(page));
      return running;
    })();
    const { note, error } = await Promise.race([work, late]).finally(() => clearTimeout(timer));
    ensure(error === undefined, String(error));
    // The page is still usable, and nothing was left to nobody.
    ensure((await page.evaluate(() => 1 + 1)) === 2, 'the page does not answer');
    ensure(unhandled.length === 0, `nobody handles: ${unhandled.join('; ')}`);
    return note?.slice(0, 300);
  } finally {
    await page.close();
  }
}

async function main(): Promise<void> {
  const executablePath = findChromium();
  const at = process.argv.indexOf('--only');
  const only = at < 0 ? '' : (process.argv[at + 1] ?? '');
  const report = new Report();
  const { server, url } = await serve();
  const browsers = new Map<string, Browser>();
  try {
    for (const fault of LIST) {
      if (!fault.what.includes(only)) continue;
      const kind = fault.browser ?? 'graphics';
      let browser = browsers.get(kind);
      if (!browser) {
        browser = await chromium.launch({ executablePath, args: [...FLAGS, ...BROWSERS[kind]] });
        browsers.set(kind, browser);
      }
      for (const place of fault.places ?? (['page'] as const)) {
        await report.check(`${fault.what}, in the ${place}`, () => run(browser, url, fault, place));
      }
    }
  } finally {
    for (const browser of browsers.values()) await browser.close();
    server.close();
  }
  report.end();
}

await main();
