/** Runs the measurement in headless Chromium: each backend in a page of its own, cross-origin isolated so that threads work. */
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import type { InitOptions } from 'quantgrad';
import type { GraphicsMode, HardwareFinding } from '../../src/kernels/gpujs/hardware.js';
import { findChromium } from '../../test/gpu/findChromium.js';
import { servePage } from '../../test/gpu/servePage.js';
import type { BackendFigures, StepSize } from './measure.js';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--no-first-run',
  '--disable-background-networking',
];

export class BenchBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly server: Server,
    private readonly url: string,
  ) {}

  static async open(): Promise<BenchBrowser> {
    const { server, url } = await servePage(fileURLToPath(new URL('page.ts', import.meta.url)), true);
    try {
      return new BenchBrowser(await chromium.launch({ executablePath: findChromium(), args: FLAGS }), server, url);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  get version(): string {
    return this.browser.version();
  }

  measure(options: InitOptions, size: StepSize): Promise<BackendFigures> {
    return this.inPage((page) =>
      page.evaluate(([given, what]) => window.benchPage.measure(given, what), [options, size] as const),
    );
  }

  /** Whether there is a GPU behind an API. */
  hardware(mode: GraphicsMode): Promise<HardwareFinding> {
    return this.inPage((page) => page.evaluate((name) => window.benchPage.hardware(name), mode));
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }

  private async inPage<T>(run: (page: Awaited<ReturnType<Browser['newPage']>>) => Promise<T>): Promise<T> {
    const page = await this.browser.newPage();
    try {
      await page.goto(this.url);
      await page.waitForFunction(() => 'benchPage' in window);
      return await run(page);
    } finally {
      await page.close();
    }
  }
}
