/** Faults that a browser can have, from a bare page: each must be told, and the page must stay usable. */
import type { Browser, Page } from 'playwright-core';
import { ensure, type Report } from '../../package/report.js';
import { filesOf, open, type PageOptions, start } from './engineTests.js';
import { ensureSame } from './limits.js';
import { KEEP_CONTEXTS, NO_GPU, NO_SIMD, SLOW_TIMERS } from './preludes.js';
import type { Site } from './serve.js';

const TRAINING = { epochs: 3, learningRate: 3e-3, batchSize: 64 };

export async function faultTests(browser: Browser, site: Site, report: Report): Promise<void> {
  const check = (
    name: string,
    options: PageOptions,
    body: (page: Page) => Promise<string | undefined>,
  ): Promise<void> =>
    report.check(`worker: ${name}`, async () => {
      const page = await open(browser, site, 'engine', options);
      try {
        return await body(page);
      } finally {
        await page.context().close();
      }
    });

  await check('one that is killed is noticed; another goes on from the last checkpoint', {}, async (page) => {
    await start(page);
    await page.evaluate(async (options) => {
      const end = window.runEnd();
      await window.client.send('train', { phase: 'float', ...options });
      await end;
    }, TRAINING);
    const before = await filesOf(page);
    const died = page.evaluate(
      () => new Promise<string>((resolve) => window.client.on('died', ({ message }) => resolve(message))),
    );
    const waiting = page.evaluate(async (options) => {
      await window.client.send('train', { phase: 'float', ...options, epochs: null });
      window.worker.terminate();
      return window.client.send('evaluate', {}).then(
        () => 'answered',
        (error: Error) => error.message,
      );
    }, TRAINING);
    const [message, failure] = await Promise.all([died, waiting]);
    ensure(failure === message, `what waits hears '${failure}'`);
    const { state } = await page.evaluate(() => window.client.revive());
    ensure((state.accuracies.float ?? 0) > 0.9, `accuracy ${state.accuracies.float}`);
    ensureSame(await filesOf(page), before);
    const { step } = await page.evaluate(() => window.client.send('continue', {}));
    ensure(step === 0, 'the run does not go on');
    return message;
  });

  await check('a learning rate that is far too high takes training back to the last checkpoint', {}, async (page) => {
    await start(page);
    const seen = await page.evaluate(async (options) => {
      const { client } = window;
      let end = window.runEnd();
      await client.send('train', { phase: 'float', ...options });
      await end;
      const before = (await client.send('evaluate', {})).accuracies.float;
      const restored = new Promise<{ code: string; message: string; state: string | undefined }>((resolve) =>
        client.on('restored', ({ failure, state }) => resolve({ ...failure, state: state.run?.state })),
      );
      await client.send('train', { phase: 'float', ...options, learningRate: 1e30 });
      const failure = await restored;
      const after = (await client.send('evaluate', {})).accuracies.float;
      end = window.runEnd();
      await client.send('train', { phase: 'float', ...options, epochs: 1 });
      await end;
      return { before, after, failure };
    }, TRAINING);
    ensure(seen.before === seen.after, `accuracies ${seen.before} and ${seen.after}`);
    ensure(seen.failure.code === 'DIVERGED' && seen.failure.state === 'paused', JSON.stringify(seen.failure));
    return seen.failure.message;
  });

  await check('without WebAssembly SIMD the reference kernels train', { prelude: NO_SIMD }, async (page) => {
    const { engine, notice } = await start(page);
    ensure(engine.backend === 'reference', engine.backend);
    ensure(notice?.includes('SIMD') === true, `the notice is '${notice}'`);
    const accuracy = await page.evaluate(async () => {
      const end = window.runEnd();
      await window.client.send('train', { phase: 'float', epochs: 1, learningRate: 3e-3, batchSize: 64 });
      await end;
      return (await window.client.send('evaluate', {})).accuracies.float;
    });
    return `${notice} ${(100 * (accuracy ?? 0)).toFixed(0)} % after an epoch`;
  });

  await check('without a GPU, asking for one is answered with the reason', { prelude: NO_GPU }, async (page) => {
    const { notice, engine } = await page.evaluate(() =>
      window.client.start({ engine: { backend: 'gpujs', gpuMode: 'webgl2' }, seed: 0 }),
    );
    ensure(notice?.includes('WebGL 2') === true, `the notice is '${notice}'`);
    ensure(engine.backend === 'wasm', engine.backend);
    const failures = await page.evaluate(async () => {
      const messages: string[] = [];
      for (const gpuMode of ['webgl2', 'webgpu'] as const) {
        await window.client.send('setEngine', { engine: { backend: 'gpujs', gpuMode } }).catch((error: Error) => {
          messages.push(error.message);
        });
      }
      await window.client.send('train', { phase: 'float', epochs: null, learningRate: 3e-3, batchSize: 64 });
      await window.client.send('pause', {});
      return messages;
    });
    ensure(failures.length === 2, failures.join('; '));
    return failures[1];
  });

  await check(
    'a GPU that is lost while it trains: the processor goes on from the last checkpoint',
    { prelude: KEEP_CONTEXTS },
    async (page) => {
      await start(page);
      const restored = page.evaluate(
        () =>
          new Promise<{ message: string; backend: string; state: string | undefined }>((resolve) =>
            window.client.on('restored', ({ failure, engine, state }) =>
              resolve({ message: failure.message, backend: engine.backend, state: state.run?.state }),
            ),
          ),
      );
      await page.evaluate(async (options) => {
        const { client } = window;
        const { engine } = await client.send('setEngine', { engine: { backend: 'gpujs', gpuMode: 'webgl2' } });
        if (engine.backend !== 'gpujs-webgl2') throw new Error(engine.backend);
        const trains = new Promise<void>((resolve) => client.on('progress', ({ step }) => step > 1 && resolve()));
        await client.send('train', { phase: 'float', ...options });
        await trains;
      }, TRAINING);
      await page.workers()[0].evaluate(() => {
        const { contexts } = globalThis as unknown as { contexts: WebGL2RenderingContext[] };
        for (const context of contexts) context.getExtension('WEBGL_lose_context')?.loseContext();
      });
      const { message, backend, state } = await restored;
      ensure(backend === 'wasm' && state === 'running', `${backend}, ${state}`);
      const { float } = await page.evaluate(async () => {
        await window.runEnd();
        return (await window.client.send('evaluate', {})).accuracies;
      });
      ensure((float ?? 0) > 0.9, `accuracy ${float}`);
      return message;
    },
  );

  // Headless Chromium hides no tabs. What it does to a hidden one is done here: its timers take a minute, and the page is
  // not given its turn.
  await check('a tab without timers or turns goes on', { prelude: SLOW_TIMERS }, async (page) => {
    await start(page);
    const steps = await page.evaluate(async (options) => {
      const { client } = window;
      const { step } = await client.send('train', { phase: 'float', ...options, epochs: null });
      for (const until = performance.now() + 4000; performance.now() < until; );
      await client.send('pause', {});
      return (await client.send('continue', {})).step - step;
    }, TRAINING);
    // With a timer in each turn it would be none.
    ensure(steps > 1, `${steps} steps in four seconds`);
    return `${steps} steps in four seconds`;
  });
}
