/** What the worker can do, asked from a bare page. */
import type { Browser, Page } from 'playwright-core';
import type { Output } from '../../../web/protocol.js';
import { ensure, type Report } from '../../package/report.js';
import { ENOUGH, ensureSame, LONGEST_RUN } from './limits.js';
import { type OpenOptions, openAt } from './openPage.js';
import { type Files, toFiles, trainInNode } from './plan.js';
import { PLAN } from './planTypes.js';
import type { Serving, Site } from './serve.js';

export interface PageOptions extends OpenOptions {
  readonly serving?: Serving;
}

export const open = (browser: Browser, site: Site, folder: string, options: PageOptions = {}): Promise<Page> =>
  openAt(browser, site.address(options.serving ?? 'isolated', folder), options);

export const start = (page: Page, seed = PLAN.seed): Promise<Output<'start'>> =>
  page.evaluate((value) => window.client.start({ engine: { backend: 'wasm' }, seed: value }), seed);

export async function filesOf(page: Page): Promise<Files> {
  const { xml, bin } = await page.evaluate(async () => {
    const files = await window.client.send('exportIr', {});
    return { xml: Array.from(files.xml), bin: Array.from(files.bin) };
  });
  return toFiles({ xml: Uint8Array.from(xml), bin: Uint8Array.from(bin) });
}

export async function engineTests(browser: Browser, site: Site, report: Report): Promise<void> {
  const expected = await trainInNode(PLAN);
  const wanted = toFiles(await expected.exportIr());

  for (const serving of ['isolated', 'plain'] as const) {
    await report.check(`worker, ${serving}: a whole training, Node's bytes`, async () => {
      const page = await open(browser, site, 'engine', { serving });
      const { engine } = await start(page);
      ensure(engine.crossOriginIsolated === (serving === 'isolated'), 'isolated or not');
      ensure(serving === 'isolated' || engine.threads === 1, `${engine.threads} threads`);
      const { accuracies, time } = await page.evaluate((plan) => window.trainToEnd(plan), PLAN);
      const events = await page.evaluate(() => window.events);
      ensureSame(await filesOf(page), wanted);
      ensure((accuracies.fineTuned ?? 0) > ENOUGH, `accuracy ${accuracies.fineTuned}`);
      ensure(time < LONGEST_RUN, `it took ${time} ms`);
      for (const name of ['progress', 'points', 'histograms', 'checkpoint'])
        ensure(events.includes(name), `no event '${name}'`);
      await page.context().close();
      return `${((accuracies.fineTuned ?? 0) * 100).toFixed(1)} % in ${(time / 1000).toFixed(1)} s, ${engine.backend}, ${engine.threads} threads`;
    });
  }
}
