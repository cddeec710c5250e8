/** Every command of the worker, from a bare page. */
import type { Browser, Page } from 'playwright-core';
import { ensure, type Report } from '../../package/report.js';
import { filesOf, open, start } from './engineTests.js';
import { ensureSame } from './limits.js';
import { PLAN } from './planTypes.js';
import type { Site } from './serve.js';

const QUICK = { epochs: 1, learningRate: 3e-3, batchSize: 64 };
const ENDLESS = { epochs: null, learningRate: 1e-3, batchSize: 64 };

/** A page whose network was trained and quantized a little. */
async function prepared(browser: Browser, site: Site): Promise<Page> {
  const page = await open(browser, site, 'engine');
  await start(page);
  await page.evaluate(async (options) => {
    const end = window.runEnd();
    await window.client.send('train', { phase: 'float', ...options });
    await end;
    await window.client.send('quantize', { bits: 8, preset: 'mixed' });
  }, QUICK);
  return page;
}

export async function commandTests(browser: Browser, site: Site, report: Report): Promise<void> {
  const check = (name: string, body: (page: Page) => Promise<string | undefined>): Promise<void> =>
    report.check(`worker: ${name}`, async () => {
      const page = await prepared(browser, site);
      try {
        return await body(page);
      } finally {
        await page.context().close();
      }
    });

  await check('pause takes effect at once, and continue goes on with as many steps', async (page) => {
    const seen = await page.evaluate(async (options) => {
      const { client } = window;
      await client.send('train', { phase: 'float', ...options });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { paused } = await client.send('pause', {});
      const first = await client.send('saveCheckpoint', {});
      await new Promise((resolve) => setTimeout(resolve, 300));
      const second = await client.send('saveCheckpoint', {});
      const again = await client.send('pause', {});
      const { step } = await client.send('continue', { learningRate: 5e-4 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await client.send('pause', {});
      const later = await client.send('continue', {});
      await client.send('pause', {});
      const same =
        first.bytes.length === second.bytes.length && first.bytes.every((byte, index) => byte === second.bytes[index]);
      return { paused, again: again.paused, same, step, later: later.step, rate: later.learningRate };
    }, ENDLESS);
    ensure(seen.paused && !seen.again, 'what pause says');
    ensure(seen.same, 'something changed while paused');
    ensure(seen.later > seen.step, `steps ${seen.step} and ${seen.later}`);
    ensure(seen.rate === 5e-4, 'the learning rate was not taken');
    return `${seen.step} and ${seen.later} steps`;
  });

  await check('a training that was paused and interrupted gives the same bytes as one that was not', async (page) => {
    const runs: Awaited<ReturnType<typeof filesOf>>[] = [];
    for (const interrupted of [false, true]) {
      await page.evaluate(
        async ({ plan, pauses }) => {
          const { client } = window;
          await client.send('restart', { seed: plan.seed });
          const end = window.runEnd();
          await client.send('train', { phase: 'float', ...plan.float, epochs: 2 });
          for (let time = 0; pauses && time < 3; time++) {
            await client.send('pause', {});
            await client.send('predict', { pixels: new Array(64).fill(0.5) });
            await client.send('histograms', {});
            const { bytes } = await client.send('saveCheckpoint', {});
            if (time === 1) await client.send('loadCheckpoint', { bytes });
            await client.send('continue', {});
          }
          await end;
        },
        { plan: PLAN, pauses: interrupted },
      );
      runs.push(await filesOf(page));
    }
    ensureSame(runs[1], runs[0]);
    return undefined;
  });

  await check('commands are answered while it trains', async (page) => {
    const times = await page.evaluate(async (options) => {
      const { client } = window;
      await client.send('train', { phase: 'fineTune', ...options });
      const all: number[] = [];
      for (let time = 0; time < 20; time++) {
        const { pixels } = await client.send('testDigit', { index: time });
        const began = performance.now();
        const { float, quantized } = await client.send('predict', { pixels });
        all.push(performance.now() - began);
        for (const probabilities of [float, quantized ?? []]) {
          const sum = probabilities.reduce((total, each) => total + each, 0);
          if (probabilities.length !== 10 || Math.abs(sum - 1) > 1e-3)
            throw new Error(`probabilities ${probabilities}`);
        }
      }
      await client.send('pause', {});
      return all.sort((a, b) => a - b);
    }, ENDLESS);
    return `median ${times[10].toFixed(0)} ms, longest ${times[19].toFixed(0)} ms`;
  });

  await check('ranges are moved and put back', async (page) => {
    const seen = await page.evaluate(async () => {
      const { client } = window;
      const { histograms } = await client.send('histograms', {});
      const before = (await client.send('evaluate', {})).accuracies.quantized ?? 0;
      const results: { id: string; low: number; high: number; accuracy: number; back: number; same: boolean }[] = [];
      for (const { id, grid } of histograms) {
        if (!grid) throw new Error(`${id} has no grid`);
        const moves = [0.6, 0.4, 0.02].map((share) =>
          client.send('setRange', {
            quantizer: grid.quantizer,
            low: grid.inputLow * share,
            high: grid.inputHigh * share,
          }),
        );
        const [first, , last] = await Promise.all(moves);
        if (!last.grid.moved) throw new Error(`${id} was not moved`);
        const back = await client.send('resetRange', { quantizer: grid.quantizer });
        results.push({
          id,
          low: last.grid.inputLow / (grid.inputLow || 1),
          high: last.grid.inputHigh / grid.inputHigh,
          accuracy: last.accuracies.quantized ?? 0,
          back: back.accuracies.quantized ?? 0,
          same: JSON.stringify(back.grid) === JSON.stringify(grid) && first.grid.inputHigh >= last.grid.inputHigh,
        });
      }
      return { before, results };
    });
    ensure(seen.results.length === 8, `${seen.results.length} quantizers`);
    for (const { id, high, back, same } of seen.results) {
      ensure(Math.abs(high - 0.02) < 0.01, `${id}: moved to ${high}`);
      ensure(back === seen.before, `${id}: accuracy ${back} is not ${seen.before} again`);
      ensure(same, `${id}: the grid is not what it was`);
    }
    ensure(
      seen.results.some(({ accuracy }) => accuracy < seen.before - 0.2),
      'no range matters',
    );
    return seen.results.map(({ id, accuracy }) => `${id} ${(accuracy * 100).toFixed(0)} %`).join(', ');
  });

  await check('histograms count all values, with the grid over them', async (page) => {
    const histograms = await page.evaluate(async () => (await window.client.send('histograms', {})).histograms);
    for (const { id, edges, counts, total, grid } of histograms) {
      ensure(counts.reduce((sum, count) => sum + count, 0) === total, `${id}: counts`);
      ensure(
        edges.length === counts.length + 1 && edges.every((edge, index) => index === 0 || edge > edges[index - 1]),
        `${id}: edges`,
      );
      ensure(
        grid !== null && Math.abs(grid.step * (grid.levels - 1) - (grid.inputHigh - grid.inputLow)) < 1e-6,
        `${id}: grid`,
      );
    }
    return `${histograms.length} histograms`;
  });

  await check('a checkpoint comes back, in another page too; a wrong file changes nothing', async (page) => {
    const before = await filesOf(page);
    const bytes = await page.evaluate(async () => {
      const { client } = window;
      const saved = await client.send('saveCheckpoint', {});
      const wrong: Record<string, Uint8Array> = {
        empty: new Uint8Array(0),
        text: new TextEncoder().encode('{"this": "is no checkpoint"}'),
        cut: saved.bytes.slice(0, saved.bytes.length / 2),
        flipped: saved.bytes.map((byte, index) => (index === saved.bytes.length - 100 ? byte ^ 1 : byte)),
      };
      for (const [name, file] of Object.entries(wrong)) {
        const message = await client.send('loadCheckpoint', { bytes: file }).then(
          () => '',
          (error: Error) => error.message,
        );
        if (!message.startsWith('This file')) throw new Error(`${name}: '${message}'`);
      }
      return Array.from(saved.bytes);
    });
    ensureSame(await filesOf(page), before);
    const other = await open(browser, site, 'engine');
    await start(other, 77);
    const state = await other.evaluate(async (file) => {
      return (await window.client.send('loadCheckpoint', { bytes: Uint8Array.from(file) })).state;
    }, bytes);
    ensureSame(await filesOf(other), before);
    await other.context().close();
    ensure(state.seed === PLAN.seed && state.curves.length > 0 && state.quantization?.preset === 'mixed', 'the state');
    return `${bytes.length} bytes`;
  });

  await check('everything moves to another engine and back while it trains', async (page) => {
    const seen = await page.evaluate(async (options) => {
      const { client } = window;
      await client.send('train', { phase: 'fineTune', ...options });
      const before = (await client.send('evaluate', {})).accuracies;
      const reference = (await client.send('setEngine', { engine: { backend: 'reference' } })).engine;
      const after = (await client.send('evaluate', {})).accuracies;
      const wasm = (await client.send('setEngine', { engine: { backend: 'wasm', threads: 2, mode: 'fast' } })).engine;
      const { step } = await client.send('continue', {});
      await new Promise((resolve) => setTimeout(resolve, 500));
      await client.send('pause', {});
      const later = (await client.send('continue', {})).step;
      return { before, after, reference, wasm, step, later };
    }, ENDLESS);
    ensure(seen.reference.backend === 'reference' && seen.wasm.backend === 'wasm', 'the backends');
    ensure(seen.wasm.threads === 2 && seen.wasm.mode === 'fast', 'threads and mode');
    ensure(Math.abs((seen.before.float ?? 0) - (seen.after.float ?? 1)) < 0.02, 'the accuracy of float');
    ensure(seen.later > seen.step, 'it does not go on');
    return undefined;
  });

  await check('what makes no sense is refused with a reason', async (page) => {
    const messages = await page.evaluate(async () => {
      const { client } = window;
      const options = { epochs: 1, learningRate: 1e-3, batchSize: 64 };
      const results = await Promise.allSettled([
        client.send('train', { phase: 'float', ...options, epochs: 0.5 }),
        client.send('train', { phase: 'float', ...options, learningRate: -1 }),
        client.send('train', { phase: 'float', ...options, batchSize: 0 }),
        client.send('quantize', { bits: 9, preset: 'mixed' }),
        client.send('setRange', { quantizer: 'none', low: 0, high: 1 }),
        client.send('predict', { pixels: [1, 2, 3] }),
        client.send('continue', {}),
        client.send('restart', { seed: -1 }),
        client.send('setEngine', { engine: { backend: 'wasm', threads: 100 } }),
      ]);
      return results.map((result) => (result.status === 'rejected' ? String(result.reason.message) : 'no failure'));
    });
    ensure(!messages.includes('no failure'), messages.join('; '));
    ensure(
      messages.every((message) => !message.includes('unexpected')),
      messages.join('; '),
    );
    return undefined;
  });
}
