/**
 * `npm run test:gpu`: the GPU.js backend in headless Chromium, on real graphics APIs (WebGL 2 and WebGPU) and in the modes
 * without one. On a machine without a GPU, Chromium brings SwiftShader, a software implementation of both APIs, so the
 * results say whether the kernels are right and nothing about their speed.
 *
 *     npm run test:gpu -- --mode webgl2,webgpu --only conv2d,matMul
 *
 * `--mode` takes modes. `--only` takes names of kernels, whose conformance cases run, and words, which choose those of the
 * device's tests (deviceTests.ts) in whose names one stands; `digits` is the comparison of whole trainings (digits.ts), for which
 * the modes without a device, and WebAssembly, run in Node.
 *
 * Needs Chromium: CHROMIUM names the program, else `chromium` is looked for, and on Debian
 * installed if it is missing. The last line is `N passed, N failed`.
 */
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { GPU_JS_MODES, type GpuJsMode } from '../../src/kernels/gpujs/library.js';
import { DIGITS_CSV, lossesInNode, testDigits } from './digits.js';
import { findChromium } from './findChromium.js';
import type { Outcome } from './outcome.js';
import { servePage } from './servePage.js';

/** The words behind an option, separated by commas; none if the option is not there. */
function words(option: string): string[] {
  const at = process.argv.indexOf(option);
  return at < 0 ? [] : (process.argv[at + 1] ?? '').split(',').filter((word) => word !== '');
}

function chosenModes(): GpuJsMode[] {
  const chosen = words('--mode');
  const wrong = chosen.filter((mode) => !(GPU_JS_MODES as readonly string[]).includes(mode));
  if (wrong.length > 0)
    throw new Error(`There is no mode ${wrong.join(', ')}. The modes are ${GPU_JS_MODES.join(', ')}.`);
  return GPU_JS_MODES.filter((mode) => chosen.length === 0 || chosen.includes(mode));
}

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--js-flags=--expose-gc',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let passed = 0;
let failed = 0;

function report(mode: string, outcome: Outcome, start: number): void {
  passed += outcome.passed;
  failed += outcome.failures.length;
  for (const { name, message } of outcome.failures) console.log(`FAILED ${mode} ${name}: ${message}`);
  for (const note of outcome.notes) console.log(`  ${note}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`  ${outcome.passed} passed, ${outcome.failures.length} failed, ${seconds} s`);
}

/** All tests of a mode, in a page of its own. */
async function testMode(browser: Browser, url: string, mode: GpuJsMode, only: readonly string[]): Promise<Outcome> {
  const page = await browser.newPage();
  // A rejection that nobody handles is a defect even if every test passes.
  const pageErrors = new Map<string, number>();
  page.on('pageerror', ({ message }) => pageErrors.set(message, (pageErrors.get(message) ?? 0) + 1));
  page.on('console', (message) => {
    // The tests read results back all the time; that WebGL finds this slow is no news.
    const isExpected = message.text().includes('GPU stall due to ReadPixels');
    if (!isExpected && (message.type() === 'error' || message.type() === 'warning')) {
      console.log(`  ${message.type()}: ${message.text().slice(0, 500)}`);
    }
  });
  await page.goto(url);
  await page.waitForFunction(() => 'runMode' in window);
  let outcome: Outcome = { passed: 0, failures: [], notes: [] };
  try {
    outcome = await page.evaluate(([name, kernels]) => window.runMode(name, kernels), [mode, only] as const);
    if (only.length === 0 || only.includes('digits')) {
      const isInNode = mode === 'cpu' || mode === 'webasm';
      await testDigits(outcome, () =>
        isInNode
          ? lossesInNode({ backend: 'gpujs', gpuMode: mode })
          : page.evaluate(([name, csv]) => window.trainDigits(name, csv), [mode, DIGITS_CSV] as const),
      );
    }
  } catch (error) {
    outcome.failures.push({ name: 'run', message: error instanceof Error ? error.message : String(error) });
  }
  for (const [message, times] of pageErrors) {
    outcome.failures.push({ name: 'page', message: `${times} errors that nobody handles: ${message}` });
  }
  await page.close();
  return outcome;
}

async function main(): Promise<void> {
  const modes = chosenModes();
  const only = words('--only');
  const executablePath = findChromium();
  const { server, url } = await servePage(fileURLToPath(new URL('page.ts', import.meta.url)));
  let browser: Browser | undefined;
  try {
    // Playwright gives every browser a new, temporary profile.
    browser = await chromium.launch({ executablePath, args: FLAGS });
    for (const mode of modes) {
      const start = performance.now();
      console.log(`\n== ${mode}, Chromium ${browser.version()}`);
      report(mode, await testMode(browser, url, mode, only), start);
    }
  } finally {
    await browser?.close();
    server.close();
  }
  if (words('--mode').length === 0 && (only.length === 0 || only.includes('digits'))) {
    for (const mode of ['portable', 'fast'] as const) {
      const start = performance.now();
      console.log(`\n== WebAssembly, ${mode}, Node ${process.version}`);
      const outcome: Outcome = { passed: 0, failures: [], notes: [] };
      await testDigits(outcome, () => lossesInNode({ backend: 'wasm', mode }));
      report(`wasm ${mode}`, outcome, start);
    }
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

await main();
