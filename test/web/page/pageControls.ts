/** Every control of the page, by mouse and by keyboard. */
import type { Browser } from 'playwright-core';
import { ensure, type Report } from '../../package/report.js';
import { pageChecks } from './pageTests.js';
import type { PagePilot } from './pilot.js';
import type { Site } from './serve.js';

/** Trained and quantized enough for answers that mean something. */
async function prepare(pilot: PagePilot, bits = 8): Promise<void> {
  await pilot.fill({ epochs: 4, 'fine-tune-epochs': 1 });
  await pilot.train();
  await pilot.quantize(bits);
}

/** Ids and names of everything that can be operated and is shown. */
const operable = (): string[] =>
  [...document.querySelectorAll<HTMLElement>('button, input, select, a[href], [tabindex], [role="slider"], summary')]
    .filter((element) => {
      const disabled = 'disabled' in element && element.disabled === true;
      // Of radio buttons, the Tab key stops at the chosen one; the arrow keys choose.
      const passed = element instanceof HTMLInputElement && element.type === 'radio' && !element.checked;
      return !disabled && !passed && element.tabIndex >= 0 && element.getClientRects().length > 0;
    })
    .map((element) => element.id || element.textContent?.trim() || element.outerHTML);

export async function controlTests(browser: Browser, site: Site, report: Report): Promise<void> {
  const check = pageChecks(browser, site, report);

  await check('a drawn one is a one to both networks; clearing takes the answers away', async (pilot) => {
    await prepare(pilot);
    await pilot.scribble();
    const drawn = await pilot.answers();
    ensure(drawn.float === 1 && drawn.quantized === 1, `${drawn.float} and ${drawn.quantized}`);
    await pilot.press('draw-clear');
    await pilot.page.waitForSelector('#answer-float[data-digit=""]', { state: 'attached' });
    await pilot.press('test-digit');
    await pilot.answers();
    const examples = pilot.page.locator('.examples button:not(#test-digit)');
    await examples.first().click();
    await pilot.answers();
    pilot.ensureQuiet();
    return `${await examples.count()} examples`;
  });

  await check('cells are drawn with the keyboard', async (pilot) => {
    await prepare(pilot);
    await pilot.page.focus('#draw-canvas');
    for (const key of [
      'ArrowUp',
      'ArrowUp',
      'ArrowUp',
      ' ',
      'ArrowDown',
      ' ',
      'ArrowDown',
      ' ',
      'ArrowDown',
      ' ',
      'ArrowDown',
      ' ',
    ]) {
      await pilot.page.keyboard.press(key);
    }
    await pilot.answers();
    await pilot.page.keyboard.press('Delete');
    await pilot.page.waitForSelector('#answer-float[data-digit=""]', { state: 'attached' });
    return undefined;
  });

  await check('range handles change accuracy, by mouse and by keys, and go back', async (pilot) => {
    await prepare(pilot);
    const { page } = pilot;
    const seen: string[] = [];
    for (const kind of ['weights', 'activations']) {
      await page.check(`#kind-${kind}`, { force: true });
      const layers = await page
        .locator('#layer option')
        .evaluateAll((all) => all.map((each) => (each as HTMLOptionElement).value));
      ensure(layers.length === 4, `${layers.length} layers of ${kind}`);
      await page.selectOption('#layer', layers[1]);
      const before = await pilot.text('inside-accuracy');
      const handle = page.locator('#range-high');
      await handle.scrollIntoViewIfNeeded();
      const value = async (): Promise<number> => Number(await handle.getAttribute('aria-valuenow'));
      const start = await value();
      const box = await handle.boundingBox();
      if (!box) throw new Error('there is no handle');
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x - 40, y, { steps: 8 });
      await page.mouse.up();
      ensure((await value()) < start, 'the mouse did not move it');
      await handle.focus();
      for (let press = 0; press < 12; press++) await page.keyboard.press('PageDown');
      await page.waitForFunction(
        (old) => document.querySelector('#inside-accuracy')?.textContent?.trim() !== old,
        before,
      );
      seen.push(`${kind} ${before} to ${await pilot.text('inside-accuracy')}`);
      await page.waitForTimeout(500);
      await pilot.press('range-reset');
      await page.waitForFunction(
        (old) => document.querySelector('#inside-accuracy')?.textContent?.trim() === old,
        before,
      );
      ensure(Math.abs((await value()) - start) < 1e-6, 'it is not where it was');
    }
    pilot.ensureQuiet();
    return seen.join(', ');
  });

  await check('bit widths, backends, threads and the learning rate are taken', async (pilot) => {
    const { page } = pilot;
    await pilot.fill({ epochs: 1 });
    await pilot.train();
    const sizes: number[] = [];
    for (const bits of [2, 8]) {
      await pilot.quantize(bits);
      const { bin } = await pilot.ir();
      sizes.push(bin.length);
    }
    ensure(sizes[0] <= sizes[1], `sizes ${sizes}`);
    for (const [backend, shown] of [
      ['reference', 'Computing with reference'],
      ['wasm', 'Computing with wasm'],
      // Without a hardware GPU, as here, automatic is WebAssembly.
      ['auto', 'Computing with'],
      ['wasm', 'Computing with wasm'],
    ]) {
      await page.selectOption('#backend', backend);
      await page.waitForSelector(`#engine-report:has-text("${shown}")`);
      await pilot.ready();
    }
    await page.selectOption('#threads', '1');
    await page.waitForSelector('#engine-report:has-text("one thread")');
    await pilot.ready();
    await pilot.fill({ 'learning-rate': 5 });
    ensure((await page.getAttribute('#learning-rate', 'aria-invalid')) === 'true', 'a learning rate of 5 is taken');
    await pilot.fill({ 'learning-rate': 0.001 });
    await pilot.train();
    pilot.ensureQuiet();
    return undefined;
  });

  await check('resetting can be undone', async (pilot) => {
    await prepare(pilot);
    const before = await pilot.text('accuracy-quantized');
    await pilot.press('train-reset');
    await pilot.notice('Started over');
    ensure((await pilot.text('accuracy-quantized')) !== before, 'nothing was reset');
    await pilot.page.click('text=Undo');
    await pilot.page.waitForFunction(
      (old) => document.querySelector('#accuracy-quantized')?.textContent?.trim() === old,
      before,
    );
    pilot.ensureQuiet();
    return undefined;
  });

  await check('the Tab key reaches every control', async (pilot) => {
    await prepare(pilot);
    const { page } = pilot;
    const wanted = await page.evaluate(operable);
    ensure(wanted.length > 25, `only ${wanted.length} controls`);
    await page.evaluate(() => {
      (document.activeElement as HTMLElement | null)?.blur();
      window.scrollTo(0, 0);
    });
    await page.locator('body').focus();
    const reached = new Set<string>();
    for (let press = 0; press < wanted.length + 5; press++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        // The ring may be around the label of a radio button, or around what is drawn for a handle.
        const outlines = [
          getComputedStyle(element),
          getComputedStyle(element, '::after'),
          getComputedStyle(element.closest('label') ?? element),
        ];
        return {
          id: element.id || element.textContent?.trim() || element.outerHTML,
          visible: outlines.some(({ outlineStyle }) => outlineStyle !== 'none'),
        };
      });
      if (at.id) reached.add(at.id);
      ensure(at.visible || !wanted.includes(at.id), `the focus on '${at.id}' cannot be seen`);
    }
    const missed = wanted.filter((id) => !reached.has(id));
    ensure(missed.length === 0, `not reached: ${missed.join(', ')}`);
    return `${wanted.length} controls`;
  });

  await check('everything is done with the keyboard alone', async (pilot) => {
    const { page } = pilot;
    await page.focus('#epochs');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('2');
    await page.focus('#train-toggle');
    await page.keyboard.press('Enter');
    await pilot.action('train-toggle', 'pause');
    await pilot.action('train-toggle', 'start');
    await page.focus('#bits-8');
    await page.keyboard.press('ArrowLeft');
    await page.focus('#quantize-run');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('#accuracy-quantized')?.textContent?.includes('%'));
    await pilot.ready();
    await page.focus('#fine-tune');
    await page.keyboard.press('Enter');
    await pilot.action('fine-tune', 'start');
    await page.focus('#download-ir');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    ensure(download.suggestedFilename() === 'digits-int7.zip', download.suggestedFilename());
    await page.waitForSelector('#load-checkpoint:not([aria-disabled])');
    await page.focus('#load-checkpoint');
    await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')]);
    pilot.ensureQuiet();
    return undefined;
  });

  await check(
    'controls have names, and nothing is wider than a phone',
    async (pilot) => {
      const nameless = await pilot.page.evaluate(() =>
        [...document.querySelectorAll('button, input, select, [role="slider"]')]
          .filter((element) => {
            const labels = 'labels' in element ? (element.labels as NodeListOf<HTMLLabelElement> | null) : null;
            return !element.getAttribute('aria-label') && !element.textContent?.trim() && !labels?.length;
          })
          .map(({ outerHTML }) => outerHTML),
      );
      ensure(nameless.length === 0, `without a name: ${nameless.join(', ')}`);
      const { width, content } = await pilot.page.evaluate(() => ({
        width: document.documentElement.clientWidth,
        content: document.documentElement.scrollWidth,
      }));
      ensure(content <= width, `${content} of ${width} pixels`);
      return undefined;
    },
    { viewport: { width: 375, height: 740 } },
  );
}
