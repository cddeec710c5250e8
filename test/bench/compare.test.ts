/** The report of the comparison: medians of rounds, ratios with their targets, and going on with an interrupted run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { comparisonLines, machineLines, Results, type Side } from '../../bench/compare/results.js';
import { WORKLOADS } from '../../bench/networks.js';
import { formatPeers } from '../../bench/peers/measure.js';
import { formatScaling } from '../../bench/scaling/measure.js';
import { checkWorkloads } from '../../bench/steps.js';
import { atLeast, atMost, QAT_TARGETS } from '../../bench/targets.js';

const folder = mkdtempSync(join(tmpdir(), 'quantgrad-compare-'));
afterAll(() => rmSync(folder, { recursive: true }));

const workload = 'resnet20-32-b64';
const figures = (qat: number, float = 100, memory = 500) => ({
  workload,
  fp32_step_ms: float,
  qat_step_ms: qat,
  max_rss_mb: memory,
  engine: 'node v0',
});

const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('the comparison', () => {
  it('shows medians and ratios of medians, and says which targets are met', () => {
    const results = new Results(join(folder, 'a.json'), false);
    const rounds: Record<Side, number[]> = { node: [120, 110, 500], peer: [210, 200, 190], wide: [90, 85, 95] };
    for (const [side, values] of Object.entries(rounds) as [Side, number[]][]) {
      for (const [round, value] of values.entries())
        results.add(side, round, figures(value, 100, side === 'wide' ? 501 : 500));
    }
    const lines = comparisonLines(results).filter((line) => line.includes(workload));
    expect(cells(lines[0])).toEqual([
      workload,
      '100 -> 200',
      '100 -> 120',
      '100 -> 90.0',
      '0.60 (<= 0.6, met)',
      '0.45 (<= 0.4, not met)',
      '1.20 (<= 1.15, not met)',
      '0.90 (<= 1.15, met)',
    ]);
    expect(cells(lines[1]).slice(1)).toEqual(['500', '500', '501', '1.00 (<= 1, met)', '1.00 (<= 1, not met)']);
    expect(machineLines(results, 2, 'torch 1').join(' ')).toMatch(/node v0.*torch 1.*2 threads; medians of 3 rounds/);
  });

  it('leaves out what was not measured, and says why', () => {
    const results = new Results(join(folder, 'b.json'), false);
    results.add('node', 0, figures(120));
    results.missing.set('peer', 'There is no Python.');
    const lines = comparisonLines(results);
    expect(lines[0]).toBe('- Not measured, PyTorch + NNCF: There is no Python.');
    const row = cells(lines.find((line) => line.includes(workload)) as string);
    expect(row.slice(1)).toEqual(['', '100 -> 120', '', '', '', '1.20 (<= 1.15, not met)', '']);
  });

  it('goes on where it stopped', () => {
    const file = join(folder, 'c.json');
    new Results(file, false).add('node', 0, figures(120));
    const resumed = new Results(file, true);
    expect([resumed.has('node', 0, workload), resumed.has('node', 1, workload)]).toEqual([true, false]);
    expect([resumed.has('peer', 0, workload), resumed.has('node', 0, 'other')]).toEqual([false, false]);
    expect(new Results(file, false).workloads).toEqual([]);
  });

  it('has targets for all workloads', () => {
    expect(Object.keys(QAT_TARGETS).sort()).toEqual(Object.keys(WORKLOADS).sort());
    expect(() => checkWorkloads(['resnet'])).toThrow(/resnet20-32-b64/);
    expect([atMost(1.151, 1.15), atLeast(4.99, 5, 1)]).toEqual(['1.15 (<= 1.15, not met)', '5.0 (>= 5, not met)']);
  });
});

describe('other reports', () => {
  it('name a peer that cannot do the step', () => {
    const lines = formatPeers({
      threads: 2,
      batch: 64,
      ours: { milliseconds: 20, oneThread: 35 },
      peers: [
        { peer: 'A', device: 'cpu', milliseconds: 13_500, timesFaster: 675 },
        { peer: 'B', device: 'gpu', error: 'no | adapter' },
      ],
    });
    expect(lines).toContain('| A | cpu | 13500.0 | 675.0 |');
    expect(lines).toContain('| B | gpu | cannot: no / adapter | |');
  });

  it('show how steps scale', () => {
    const text = formatScaling({
      engine: 'node v0',
      simd: 256,
      threads: 2,
      workloads: [{ workload, doubling: 1.02, firstStep: 2100 }],
      threadsGain: 1.8,
      threadsLimit: 1.91,
      product: 74.94,
      productLimit: 96.3,
    }).join('\n');
    expect(text).toContain('1.02 (<= 1.05, met) | 2100 (<= 2000, not met)');
    expect(text).toContain('1.80 (>= 1.7, met); of multiply-adds in registers: 1.91');
    expect(text).toContain('74.9 (>= 75, not met); of multiply-adds in registers: 96.3');
  });
});
