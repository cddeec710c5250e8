/** The page's plots, ranges and rates, without a browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { agreement } from '../../../web/page/draw/agreement.js';
import { codesOf, moveEnd, viewOf } from '../../../web/page/inside/view.js';
import { Curves, toColumns } from '../../../web/page/session/curves.js';
import { latestOnly, throttle } from '../../../web/page/throttle.js';
import type { CurvePoint, Grid, LayerHistogram } from '../../../web/protocol.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const point = (
  phase: CurvePoint['phase'],
  epoch: number,
  loss: number | null,
  accuracy: number | null,
): CurvePoint => ({
  phase,
  step: epoch * 10,
  epoch,
  loss,
  accuracy,
});

test('fine-tuning is drawn behind the training, and the quantized accuracy as a level line from there', () => {
  const points = [point('float', 0, null, 0.1), point('float', 2, 0.5, 0.9), point('fineTune', 1, 0.4, 0.95)];
  const columns = toColumns(points, 0.8);
  expect(columns.epochs).toEqual([0, 2, 2, 3]);
  expect(columns.floatAccuracy).toEqual([0.1, 0.9, null, null]);
  expect(columns.quantizedAccuracy).toEqual([null, null, 0.8, 0.8]);
  expect(columns.fineTuneAccuracy).toEqual([null, null, null, 0.95]);
  expect(columns.floatLoss).toEqual([null, 0.5, null, null]);
  expect(columns.fineTuneLoss).toEqual([null, null, null, 0.4]);
});

test('columns are of one length and in order, with no points and with a quantized network alone', () => {
  for (const columns of [toColumns([], null), toColumns([], 0.7), toColumns([point('float', 4, 1, 0.5)], 0.5)]) {
    expect(new Set(Object.values(columns).map(({ length }) => length)).size).toBe(1);
    expect([...columns.epochs].sort((a, b) => a - b)).toEqual(columns.epochs);
  }
});

test('a network quantized anew has no curve of fine-tuning', () => {
  const curves = new Curves();
  let told = 0;
  curves.subscribe(() => told++);
  curves.add([point('float', 1, 1, 0.5), point('fineTune', 1, 1, 0.5)]);
  curves.dropFineTuning();
  expect(curves.points.map(({ phase }) => phase)).toEqual(['float']);
  expect(told).toBe(2);
});

const GRID: Grid = {
  quantizer: 'q',
  bits: 4,
  levels: 15,
  inputLow: -0.7,
  inputHigh: 0.7,
  step: 0.1,
  channels: 1,
  movableEnds: ['low', 'high'],
  symmetric: true,
  moved: false,
};

test('the ends of a symmetric range go together, and never past zero', () => {
  const range = { low: -0.7, high: 0.7 };
  expect(moveEnd(GRID, range, 'high', 0.35)).toEqual({ low: -0.35, high: 0.35 });
  const moved = moveEnd(GRID, range, 'low', -1.4);
  expect(moved.low).toBeCloseTo(-1.4);
  expect(moved.high).toBeCloseTo(1.4);
  expect(moveEnd(GRID, range, 'high', -1).high).toBeGreaterThan(0);
  expect(moveEnd(GRID, range, 'low', 1).high).toBeGreaterThan(0);
});

test('the ends of an asymmetric range go alone', () => {
  const grid: Grid = { ...GRID, symmetric: false };
  expect(moveEnd(grid, { low: -0.2, high: 0.7 }, 'high', 0.5)).toEqual({ low: -0.2, high: 0.5 });
  expect(moveEnd(grid, { low: -0.2, high: 0.7 }, 'low', 0.3)).toEqual({ low: 0, high: 0.7 });
});

test('all codes are drawn where there is room, else every second or fourth, always with zero', () => {
  const range = { low: GRID.inputLow, high: GRID.inputHigh };
  const view = { low: -1, high: 1 };
  expect(codesOf(GRID, range, view, 100)).toMatchObject({ stride: 1, values: { length: 15 } });
  const fewer = codesOf(GRID, range, view, 8);
  expect(fewer.stride).toBe(4);
  expect(fewer.values.some((value) => Math.abs(value) < 1e-9)).toBe(true);
  expect(codesOf({ ...GRID, levels: 255 }, range, view, 100).stride).toBe(4);
});

test('the view holds all values and the range', () => {
  const histogram: LayerHistogram = {
    id: 'a/weights',
    layer: 'a',
    kind: 'weights',
    edges: [-2, -0.5, 1],
    counts: [3, 4],
    total: 7,
    zeros: 0,
    clipped: 0.2,
    grid: GRID,
  };
  expect(viewOf(histogram)).toEqual({ low: -2.75, high: 1.75 });
  expect(viewOf({ ...histogram, grid: null }).high).toBeGreaterThanOrEqual(1);
});

test('work that is asked for often is done at once, then seldom, and once more at the end', () => {
  let done = 0;
  const ask = throttle(() => done++, 250);
  for (let call = 0; call < 40; call++) {
    ask();
    vi.advanceTimersByTime(10);
  }
  expect(done).toBe(2);
  vi.advanceTimersByTime(1000);
  expect(done).toBe(3);
});

test('of requests that come too fast only the last is answered', async () => {
  const answered: number[] = [];
  const ask = latestOnly<number>(async (request) => {
    await Promise.resolve();
    answered.push(request);
  });
  for (const request of [1, 2, 3, 4]) ask(request);
  await vi.waitFor(() => expect(answered).toEqual([1, 4]));
});

test('what two answers mean is said in a sentence', () => {
  const answer = (digit: number, sure: number) => ({
    digit,
    probabilities: Array.from({ length: 10 }, (_, at) => (at === digit ? sure : (1 - sure) / 9)),
  });
  const situation = { float: answer(3, 0.9), quantized: answer(3, 0.8), empty: false, trained: true, truth: null };
  expect(agreement(situation)).toContain('Both read 3');
  expect(agreement({ ...situation, quantized: answer(8, 0.6), truth: 3 })).toMatch(/turned 3 into 8.*meant 3/);
  expect(agreement({ ...situation, trained: false })).toContain('not trained');
  expect(agreement({ ...situation, empty: true })).toContain('Nothing');
});
