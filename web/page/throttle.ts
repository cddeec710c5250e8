/** Work that is asked for often and done seldom, so that the page stays free for the visitor. */

/** The most that plots and numbers are drawn anew while training, in milliseconds between two times. */
export const REDRAW_INTERVAL = 250;

/** Calls at once, then at most every `interval` milliseconds, and always once after the last request. */
export function throttle(work: () => void, interval = REDRAW_INTERVAL): () => void {
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const run = (): void => {
    timer = null;
    last = performance.now();
    work();
  };
  return () => {
    if (timer !== null) return;
    const wait = last + interval - performance.now();
    if (wait <= 0) run();
    else timer = setTimeout(run, wait);
  };
}

/** One asynchronous call at a time; of the requests that come meanwhile, only the last is answered. */
export function latestOnly<Request>(work: (request: Request) => Promise<void>): (request: Request) => void {
  let busy = false;
  let next: { readonly request: Request } | null = null;
  return function ask(request: Request): void {
    if (busy) {
      next = { request };
      return;
    }
    busy = true;
    void work(request).finally(() => {
      busy = false;
      const waiting = next;
      next = null;
      if (waiting) ask(waiting.request);
    });
  };
}
