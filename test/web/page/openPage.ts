/** Opens pages, whose workers may be made to lack something. */
import type { Browser, Page } from 'playwright-core';

export interface OpenOptions {
  /** Code that workers run before their own, such as to take away what a browser may lack. */
  readonly prelude?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
  /** What to do before anything is loaded. */
  before?(page: Page): Promise<void>;
}

/** Opens an address in a context of its own. */
export async function openAt(browser: Browser, address: string, options: OpenOptions = {}): Promise<Page> {
  const { prelude, viewport, before } = options;
  const context = await browser.newContext({ acceptDownloads: true, ...(viewport && { viewport }) });
  const page = await context.newPage();
  if (prelude) {
    await page.addInitScript((code) => {
      const Original = Blob;
      window.Blob = class extends Original {
        constructor(parts: BlobPart[] = [], settings?: BlobPropertyBag) {
          super(settings?.type?.includes('javascript') ? [code, '\n', ...parts] : parts, settings);
        }
      };
    }, prelude);
  }
  await before?.(page);
  await page.goto(address);
  return page;
}
