/** What can go wrong in a browser: the page says so, and stays usable. */
import type { Browser } from 'playwright-core';
import { ensure, type Report } from '../../package/report.js';
import { pageChecks } from './pageTests.js';
import type { PagePilot } from './pilot.js';
import { NO_GPU, NO_SIMD, SLOW_TIMERS } from './preludes.js';
import type { Site } from './serve.js';

/** A whole training still works, in small. */
async function ensureUsable(pilot: PagePilot): Promise<void> {
  await pilot.fill({ epochs: 1, 'fine-tune-epochs': 1 });
  await pilot.train();
  await pilot.quantize(8);
  await pilot.fineTune();
  await pilot.scribble();
  await pilot.answers();
}

export async function pageFaultTests(browser: Browser, site: Site, report: Report): Promise<void> {
  const check = pageChecks(browser, site, report);

  await check('a worker that is killed while training: a message, and nothing finished is lost', async (pilot) => {
    await pilot.fill({ epochs: 3 });
    await pilot.train();
    const before = await pilot.share('accuracy-float');
    await pilot.fill({ epochs: 200 });
    await pilot.press('train-toggle');
    await pilot.action('train-toggle', 'pause');
    await pilot.page.evaluate(() => window.worker.terminate());
    const message = await pilot.notice('Training had to be started anew');
    await pilot.action('train-toggle', 'continue');
    const after = await pilot.share('accuracy-float');
    ensure((before ?? 0) > 0.9 && (after ?? 0) > 0.9, `accuracies ${before} and ${after}`);
    await pilot.press('train-toggle');
    await pilot.action('train-toggle', 'pause');
    await pilot.press('train-toggle');
    await pilot.press('train-reset');
    await pilot.ready();
    await ensureUsable(pilot);
    return message;
  });

  await check(
    'without a GPU, choosing one is answered, and all stays as it was',
    async (pilot) => {
      const { page } = pilot;
      await page.selectOption('#backend', 'gpujs');
      const first = await pilot.ready().then(() => page.textContent('#engine-report'));
      if (await page.locator('#gpu-mode').count()) {
        for (const mode of ['webgpu', 'webgl2']) {
          await page.selectOption('#gpu-mode', mode);
          await pilot.notice(mode);
          await pilot.ready();
        }
      }
      const message = await pilot.notice('cannot be had here');
      await page.selectOption('#backend', 'auto');
      await page.waitForSelector('#engine-report:has-text("Computing with wasm")');
      await pilot.ready();
      await ensureUsable(pilot);
      return `${first?.slice(0, 60)}...; ${message}`;
    },
    { prelude: NO_GPU },
  );

  await check(
    'without WebAssembly SIMD it trains all the same',
    async (pilot) => {
      const message = await pilot.notice('SIMD');
      ensure((await pilot.text('engine-report')).includes('Computing with reference'), 'something else computes');
      await ensureUsable(pilot);
      return message;
    },
    { prelude: NO_SIMD },
  );

  await check(
    'without SharedArrayBuffer there is one thread, and the page says why',
    async (pilot) => {
      ensure(await pilot.page.isDisabled('#threads'), 'threads can be chosen');
      const hint = await pilot.text('threads-hint');
      ensure(hint.includes('isolation'), hint);
      await ensureUsable(pilot);
      return hint;
    },
    { serving: 'plain' },
  );

  // Headless Chromium hides no tabs; what it does to hidden ones is done here.
  await check(
    'in a hidden tab training goes on',
    async (pilot) => {
      await pilot.fill({ epochs: 200 });
      await pilot.press('train-toggle');
      await pilot.action('train-toggle', 'pause');
      await pilot.page.evaluate(() => {
        Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        window.requestAnimationFrame = () => 0;
        document.dispatchEvent(new Event('visibilitychange'));
      });
      const before = await pilot.epoch();
      await pilot.page.waitForTimeout(4000);
      await pilot.press('train-toggle');
      await pilot.action('train-toggle', 'continue');
      const after = await pilot.epoch();
      ensure(after > before, `epochs ${before} and ${after}`);
      return `${(after - before).toFixed(1)} epochs in four seconds`;
    },
    { prelude: SLOW_TIMERS },
  );
}
