/** The page as a visitor uses it: a whole training, its files, drawing, ranges, settings. */
import type { Browser } from 'playwright-core';
import { createServer } from 'vite';
import { pageConfig } from '../../../web/vite.config.js';
import { ensure, type Report } from '../../package/report.js';
import { ENOUGH, ensureSame, LONGEST_RUN, LONGEST_TASK } from './limits.js';
import { PagePilot, type PilotOptions } from './pilot.js';
import { toFiles, trainInNode } from './plan.js';
import { PLAN } from './planTypes.js';
import type { Serving, Site } from './serve.js';
import { tasksDuring } from './tasks.js';

/** Checks that open the page, and close it. */
export const pageChecks =
  (browser: Browser, site: Site, report: Report) =>
  (
    name: string,
    body: (pilot: PagePilot) => Promise<string | undefined>,
    options: PilotOptions & { readonly serving?: Serving; readonly address?: string } = {},
  ): Promise<void> =>
    report.check(`page: ${name}`, async () => {
      const address = options.address ?? site.address(options.serving ?? 'isolated', 'page');
      const pilot = await PagePilot.open(browser, address, options);
      try {
        return await body(pilot);
      } finally {
        await pilot.close();
      }
    });

/** Trains, quantizes and fine-tunes. @returns Milliseconds. */
async function trainToEnd(pilot: PagePilot): Promise<number> {
  const began = performance.now();
  await pilot.train();
  await pilot.quantize(PLAN.quantize.bits);
  await pilot.fineTune();
  return performance.now() - began;
}

/** @param file The built page's address as a file. */
export async function pageTests(browser: Browser, site: Site, report: Report, file: string): Promise<void> {
  const check = pageChecks(browser, site, report);
  const wanted = toFiles(await (await trainInNode(PLAN)).exportIr());

  const whole = async (pilot: PagePilot): Promise<string> => {
    await pilot.prepare(PLAN);
    const time = await trainToEnd(pilot);
    ensure(time < LONGEST_RUN, `it took ${time} ms`);
    const [quantized, tuned] = [await pilot.share('accuracy-quantized'), await pilot.share('accuracy-tuned')];
    ensure((quantized ?? 0) > ENOUGH && (tuned ?? 0) > ENOUGH, `accuracies ${quantized} and ${tuned}`);
    const files = await pilot.ir();
    ensure(files.name === 'digits-int8.zip', files.name);
    ensureSame(files, wanted);
    pilot.ensureQuiet();
    return `${((tuned ?? 0) * 100).toFixed(1)} % in ${(time / 1000).toFixed(1)} s; ${await pilot.text('engine-report')}`;
  };
  await check("a whole training, and Node's bytes in the zip", whole);
  await check('the same without the headers', whole, { serving: 'plain' });
  await check('the same opened as a file', whole, { address: file });

  await check('no task of the page takes long while it trains, is quantized and drawn on', async (pilot) => {
    const tasks = await tasksDuring(browser, pilot.page, async () => {
      await pilot.press('train-toggle');
      await pilot.action('train-toggle', 'pause');
      await pilot.scribble();
      await pilot.action('train-toggle', 'start');
      await pilot.quantize(8);
      await pilot.press('fine-tune');
      await pilot.action('fine-tune', 'pause');
      await pilot.scribble();
      await pilot.action('fine-tune', 'start');
    });
    ensure(tasks.length > 100, `only ${tasks.length} tasks were seen`);
    const longest = Math.max(...tasks.map(({ work }) => work));
    ensure(longest <= LONGEST_TASK, `a task took ${longest.toFixed(0)} ms of the processor`);
    const late = tasks.filter(({ time }) => time > LONGEST_TASK).length;
    return `${tasks.length} tasks, the longest ${longest.toFixed(0)} ms of the processor; ${late} took longer by the clock`;
  });

  await check('pauses and continues', async (pilot) => {
    await pilot.fill({ epochs: 100 });
    await pilot.press('train-toggle');
    await pilot.page.waitForFunction(
      () => Number.parseFloat(document.querySelector('#figure-epoch')?.textContent ?? '') > 0.5,
    );
    await pilot.press('train-toggle');
    await pilot.action('train-toggle', 'continue');
    const paused = await pilot.epoch();
    await pilot.page.waitForTimeout(700);
    ensure((await pilot.epoch()) === paused, 'it goes on while paused');
    await pilot.press('train-toggle');
    await pilot.page.waitForFunction(
      (epoch) => Number.parseFloat(document.querySelector('#figure-epoch')?.textContent ?? '') > epoch + 0.5,
      paused,
    );
    const speed = Number.parseFloat(await pilot.text('figure-speed'));
    ensure(speed > 0, `${speed} steps a second`);
    await pilot.press('train-toggle');
    await pilot.action('train-toggle', 'continue');
    pilot.ensureQuiet();
    return `paused at epoch ${paused}, ${speed} steps a second`;
  });

  await check('a checkpoint is downloaded and loaded back, in a new page too', async (pilot) => {
    await pilot.fill({ epochs: 1 });
    await pilot.train();
    await pilot.quantize(4);
    const before = { files: await pilot.ir(), accuracy: await pilot.text('accuracy-quantized') };
    const { name, bytes } = await pilot.download('download-checkpoint');
    ensure(name.endsWith('.safetensors'), name);
    await pilot.press('train-reset');
    await pilot.page.waitForSelector('text=Started over');
    await pilot.load(name, bytes);
    await pilot.page.waitForSelector(`text=${name} is loaded`);
    const other = await PagePilot.open(browser, site.address('plain', 'page'));
    await other.load(name, bytes);
    await other.page.waitForSelector(`text=${name} is loaded`);
    for (const loaded of [pilot, other]) {
      await loaded.ready();
      ensureSame(await loaded.ir(), before.files);
      ensure((await loaded.text('accuracy-quantized')) === before.accuracy, 'the accuracy is another');
    }
    await other.fineTune();
    ensure((await other.share('accuracy-tuned')) !== null, 'it cannot be fine-tuned');
    other.ensureQuiet();
    await other.close();
    pilot.ensureQuiet();
    return `${bytes.length} bytes`;
  });

  await check('a wrong file as checkpoint is told, and changes nothing', async (pilot) => {
    await pilot.fill({ epochs: 1 });
    await pilot.train();
    const before = await pilot.ir();
    await pilot.load('notes.safetensors', new TextEncoder().encode('This is no checkpoint, but a shopping list.'));
    const message = await pilot.notice('This file');
    ensureSame(await pilot.ir(), before);
    await pilot.train();
    pilot.ensureQuiet();
    return message;
  });
}

/** What `npm run web` serves: the page in development. */
export async function devServerTest(browser: Browser, report: Report, root: string): Promise<void> {
  await report.check('page: the development server serves it, isolated', async () => {
    const config = pageConfig(root);
    const server = await createServer({
      ...config,
      logLevel: 'error',
      server: { ...config.server, port: 0, host: '127.0.0.1', watch: null },
    });
    try {
      await server.listen();
      const address = server.resolvedUrls?.local[0];
      if (!address) throw new Error('it has no address');
      const pilot = await PagePilot.open(browser, address);
      ensure(await pilot.page.evaluate(() => crossOriginIsolated), 'the page is not isolated');
      await pilot.fill({ epochs: 1 });
      await pilot.train();
      await pilot.close();
      return undefined;
    } finally {
      await server.close();
    }
  });
}
