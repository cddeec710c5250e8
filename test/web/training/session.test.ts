/** The page's training without a page: what it computes, and that a checkpoint goes on with the same bits. */
import { beforeAll, describe, expect, it } from 'vitest';
import { restoreSession, saveSession } from '../../../web/training/checkpoint.js';
import { Session } from '../../../web/training/session.js';
import { loadSource } from '../page/plan.js';

const all = loadSource();
/** Fewer than the page has, for speed. */
const source = { train: all.train.slice(0, 640), test: all.test.slice(0, 150) };
const OPTIONS = { epochs: 1, learningRate: 3e-3, batchSize: 64 };

async function steps(session: Session, count: number): Promise<void> {
  for (let step = 0; step < count; step++) await session.takeStep();
}

async function filesOf(session: Session): Promise<string[]> {
  const { xml, bin } = await session.exportIr();
  return [xml, bin].map((bytes) => Buffer.from(bytes).toString('base64'));
}

describe('Session', () => {
  let quantized: Uint8Array;
  beforeAll(async () => {
    const session = Session.create(source, 1);
    await session.begin('float', OPTIONS);
    for (;;) if ((await session.takeStep()).endsRun) break;
    await session.quantize({ bits: 8, preset: 'mixed' });
    await session.begin('fineTune', { ...OPTIONS, learningRate: 1e-4 });
    await steps(session, 3);
    quantized = await saveSession(session);
  });
  const restored = (): Session => restoreSession(quantized, source);

  it('goes on from a checkpoint with the same bits, in the middle of an epoch', async () => {
    const [one, other] = [restored(), restored()];
    await steps(one, 2);
    const between = restoreSession(await saveSession(one), source);
    await steps(between, 2);
    await steps(other, 4);
    expect(await filesOf(between)).toEqual(await filesOf(other));
    expect(between.curves).toEqual(other.curves);
    expect(between.run?.position).toEqual(other.run?.position);
  });

  it('does not compute other numbers because somebody looks', async () => {
    const [watched, other] = [restored(), restored()];
    for (let step = 0; step < 3; step++) {
      await watched.takeStep();
      await watched.evaluate();
      await watched.histograms();
      await watched.predict(watched.testDigit(step).pixels);
    }
    await steps(other, 3);
    expect(await filesOf(watched)).toEqual(await filesOf(other));
  });

  it('makes the same float network of a seed, and another of another', async () => {
    const [first, again, other] = [Session.create(source, 4), Session.create(source, 4), Session.create(source, 5)];
    expect(await filesOf(first)).toEqual(await filesOf(again));
    expect((await filesOf(first))[1]).not.toBe((await filesOf(other))[1]);
  });

  it('moves a range as it is told, and puts it back', async () => {
    const session = restored();
    const before = await session.histograms();
    const grid = before.find(({ id }) => id === 'block2.relu/activations')?.grid;
    if (!grid) throw new Error('there is no such quantizer');
    const accuracies = await session.evaluate();
    const moved = await session.setRange(grid.quantizer, 0, grid.inputHigh / 50);
    expect(moved.grid.inputHigh).toBeCloseTo(grid.inputHigh / 50, 5);
    expect(moved.grid.moved).toBe(true);
    expect(moved.accuracies.fineTuned).toBeLessThan((accuracies.fineTuned ?? 0) - 0.1);
    expect((await session.histograms()).find(({ grid: one }) => one?.moved)?.clipped).toBeGreaterThan(0.1);
    const back = await session.resetRange(grid.quantizer);
    expect(back.grid).toEqual(grid);
    expect(back.accuracies).toEqual(accuracies);
    expect(await session.histograms()).toEqual(before);
  });

  it('moves the channels of weights in proportion', async () => {
    const session = restored();
    const find = async () => (await session.histograms()).find(({ id }) => id === 'fc/weights');
    const before = await find();
    if (!before?.grid) throw new Error('there is no such quantizer');
    expect(before.grid.channels).toBe(10);
    await session.setRange(before.grid.quantizer, -1, before.grid.inputHigh / 4);
    const after = await find();
    expect(after?.grid?.inputHigh).toBeCloseTo(before.grid.inputHigh / 4, 6);
    expect(after?.grid?.inputLow).toBeCloseTo(-before.grid.inputHigh / 4, 6);
    expect(after?.clipped).toBeGreaterThan(before.clipped);
  });

  it('refuses a file that is no checkpoint of this page, and says why', () => {
    expect(() => restoreSession(quantized.slice(0, 1000), source)).toThrow(/^This file/);
    expect(() => restoreSession(new TextEncoder().encode('no checkpoint'), source)).toThrow(/^This file/);
  });

  it('says when the loss grows beyond all bounds', async () => {
    const session = restored();
    await session.begin('fineTune', { ...OPTIONS, learningRate: 1e30 });
    await expect(steps(session, 10)).rejects.toMatchObject({ code: 'DIVERGED' });
  });

  it('needs a quantized network for fine-tuning and for ranges', async () => {
    const session = Session.create(source, 0);
    await expect(session.begin('fineTune', OPTIONS)).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(session.setRange('input/fq_output_0', 0, 1)).rejects.toMatchObject({ code: 'NOT_READY' });
  });
});
