/** Uses the page as a visitor does, by the ids of its controls. */
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { ensure } from '../../package/report.js';
import { openAt } from './openPage.js';
import { type Files, toFiles } from './plan.js';
import type { Plan } from './planTypes.js';

declare global {
  interface Window {
    /** The page's worker, so that tests can end it. */
    worker: Worker;
    /** What a control said that it would do, one after the other. */
    actions: string[];
  }
}

const LONG = 60_000;

/** Notes the worker, before the page's own code runs. */
function watchPage(): void {
  const Original = Worker;
  window.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      window.worker = this;
    }
  };
}

export interface PilotOptions {
  /** Code that the worker runs before its own. */
  readonly prelude?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
}

export class PagePilot {
  readonly page: Page;
  /** Errors and warnings of the console, and addresses that could not be had. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('requestfailed', (request) => this.complaints.push(`${request.url()} failed`));
  }

  /** Opens the page and waits until it can train. */
  static async open(browser: Browser, address: string, { prelude, viewport }: PilotOptions = {}): Promise<PagePilot> {
    let pilot: PagePilot | undefined;
    await openAt(browser, address, {
      prelude,
      viewport,
      before: async (page) => {
        pilot = new PagePilot(page);
        await page.addInitScript(watchPage);
      },
    });
    await (pilot as PagePilot).ready();
    return pilot as PagePilot;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async ready(): Promise<void> {
    await this.page.waitForSelector('#train-toggle:not([aria-disabled])', { timeout: LONG });
  }

  press(id: string): Promise<void> {
    return this.page.click(`#${id}`);
  }

  async text(id: string): Promise<string> {
    return (await this.page.locator(`#${id}`).textContent())?.trim() ?? '';
  }

  /** Waits until a control says that it would do this. */
  async action(id: string, action: 'start' | 'pause' | 'continue'): Promise<void> {
    await this.page.waitForSelector(`#${id}[data-action="${action}"]:not([aria-disabled])`, { timeout: LONG });
  }

  /** A percentage that is shown, from 0 to 1; null for a dash. */
  async share(id: string): Promise<number | null> {
    const text = await this.text(id);
    const number = Number.parseFloat(text);
    ensure(text.includes('%') || text === '–', `#${id} shows '${text}'`);
    return Number.isNaN(number) ? null : number / 100;
  }

  /** The epoch that is shown. */
  async epoch(): Promise<number> {
    return Number.parseFloat(await this.text('figure-epoch'));
  }

  async fill(values: Readonly<Record<string, number>>): Promise<void> {
    for (const [id, value] of Object.entries(values)) await this.page.fill(`#${id}`, String(value));
  }

  /** The settings of a plan, and a new network of its seed. */
  async prepare({ seed, float, fineTune }: Plan): Promise<void> {
    await this.fill({
      seed,
      epochs: float.epochs ?? 1,
      'learning-rate': float.learningRate,
      'fine-tune-epochs': fineTune.epochs ?? 1,
    });
    await this.press('train-reset');
    await this.page.waitForSelector('text=Started over');
    await this.ready();
  }

  train(): Promise<void> {
    return this.#toEnd('train-toggle');
  }

  async quantize(bits: number): Promise<void> {
    await this.page.check(`#bits-${bits}`, { force: true });
    await this.press('quantize-run');
    await this.page.waitForFunction(() => document.querySelector('#accuracy-quantized')?.textContent?.includes('%'));
    await this.ready();
  }

  fineTune(): Promise<void> {
    return this.#toEnd('fine-tune');
  }

  /** Starts a run and waits for its end. A short one may be over before anybody asks, so what the control shows is noted. */
  async #toEnd(id: string): Promise<void> {
    await this.page.evaluate((control) => {
      window.actions = [];
      const element = document.getElementById(control);
      if (!element) throw new Error(`there is no ${control}`);
      new MutationObserver(() => window.actions.push(element.dataset.action ?? '')).observe(element, {
        attributes: true,
      });
    }, id);
    await this.press(id);
    await this.page.waitForFunction(() => window.actions.includes('pause'), undefined, { timeout: LONG });
    await this.action(id, 'start');
  }

  /** Messages lie over the page until they are dismissed. */
  async dismissAll(): Promise<void> {
    const buttons = this.page.locator('#notices .notice-dismiss');
    while ((await buttons.count()) > 0) await buttons.first().click();
  }

  /** Draws a stroke like a one, with the mouse. */
  async scribble(): Promise<void> {
    await this.dismissAll();
    const canvas = this.page.locator('#draw-canvas');
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    if (!box) throw new Error('there is nothing to draw on');
    const { mouse } = this.page;
    await mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.15);
    await mouse.down();
    await mouse.move(box.x + box.width * 0.52, box.y + box.height * 0.85, { steps: 12 });
    await mouse.up();
  }

  /** Waits until both networks have an answer, and gives the digits. */
  async answers(): Promise<{ float: number; quantized: number }> {
    await this.page.waitForSelector('#answer-quantized:not([data-digit=""])', { state: 'attached' });
    const digit = async (id: string): Promise<number> =>
      Number(await this.page.locator(`#${id}`).getAttribute('data-digit'));
    return { float: await digit('answer-float'), quantized: await digit('answer-quantized') };
  }

  /** What pressing a control downloads. */
  async download(id: string): Promise<{ name: string; bytes: Uint8Array }> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.press(id)]);
    return { name: download.suggestedFilename(), bytes: Uint8Array.from(readFileSync(await download.path())) };
  }

  /** The two files of the zip. */
  async ir(): Promise<Files & { readonly name: string }> {
    const { name, bytes } = await this.download('download-ir');
    const files = unzipSync(bytes);
    ensure(Object.keys(files).sort().join() === 'model.bin,model.xml', `the zip has ${Object.keys(files)}`);
    return { name, ...toFiles({ xml: files['model.xml'], bin: files['model.bin'] }) };
  }

  async load(name: string, bytes: Uint8Array): Promise<void> {
    await this.page.waitForSelector('#load-checkpoint:not([aria-disabled])');
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.press('load-checkpoint')]);
    await chooser.setFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });
  }

  /** Waits for a message that contains the text, and gives all of it. */
  async notice(text: string): Promise<string> {
    const notice = this.page.locator('#notices .notice', { hasText: text }).first();
    await notice.waitFor({ timeout: LONG });
    return ((await notice.textContent()) ?? '').replace(/\s+/g, ' ');
  }

  ensureQuiet(): void {
    ensure(this.complaints.length === 0, `the console says: ${this.complaints.join('; ')}`);
  }
}
