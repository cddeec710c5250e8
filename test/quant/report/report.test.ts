/** Reports: what is measured, in which order, and that nothing about the model changes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { CalibrationDataset } from '../../../src/data/calibrationDataset.js';
import { executeGraph } from '../../../src/graph/execute.js';
import * as nn from '../../../src/nn/index.js';
import { quantize } from '../../../src/quant/quantize.js';
import type { QuantizedModel } from '../../../src/quant/quantizedModel.js';
import { histogramText } from '../../../src/quant/report/histogramSvg.js';
import { report } from '../../../src/quant/report/report.js';
import type { QuantizerReport, ReportData } from '../../../src/quant/report/reportData.js';
import { findings, number, percent } from '../../../src/quant/report/words.js';
import { tensor } from '../../../src/tensor/create.js';
import { manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, warmedUp } from '../models.js';

const data = images(3);
let model: QuantizedModel<SmallNet>;
beforeEach(async () => {
  manualSeed(1);
  model = await quantize(warmedUp(), data, { bits: 4 });
});

const rowOf = ({ quantizers }: ReportData, name: string): QuantizerReport =>
  quantizers.find((row) => row.name === name) as QuantizerReport;

describe('what is measured', () => {
  it('are the values that each quantizer sees and gives', async () => {
    const found = await report(model, data);
    const seen = new Map<string, { x: number[]; y: number[] }>();
    model.eval();
    for (const x of data) {
      const values = new Map<unknown, Tensor>();
      noGrad(() => executeGraph(model.graph, [x], { observe: (value, each) => values.set(value, each) }));
      for (const { name, spec } of model.quantizers) {
        const node = model.graph.node(name);
        const entry = seen.get(name) ?? { x: [], y: [] };
        if (spec.kind === 'weights' && entry.x.length > 0) continue;
        entry.x.push(...(values.get(node.inputs[0]) as Tensor).dataSync());
        entry.y.push(...(values.get(node.outputs[0]) as Tensor).dataSync());
        seen.set(name, entry);
      }
    }
    expect(found.quantizers).toHaveLength(model.quantizers.length);
    for (const row of found.quantizers) {
      const { x, y } = seen.get(row.name) as { x: number[]; y: number[] };
      const signal = x.reduce((sum, value) => sum + value * value, 0);
      const noise = x.reduce((sum, value, index) => sum + (value - y[index]) ** 2, 0);
      expect(row.count).toBe(x.length);
      expect(row.signalToNoise, row.name).toBeCloseTo(10 * Math.log10(signal / noise), 3);
      if (row.channels === 1) {
        const beyond = x.filter((value) => value < row.low - 1e-5 || value > row.high + 1e-5).length;
        expect(row.clipped, row.name).toBeCloseTo(beyond / x.length, 6);
      }
      expect(row.clipped).toBeCloseTo(row.clippedBelow + row.clippedAbove, 12);
      expect(row.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(x.length);
    }
  });

  it('is what the quantizers are', async () => {
    const found = await report(model, data);
    const weights = rowOf(found, 'conv/Convolution/fq_weights_1');
    expect(weights).toMatchObject({
      kind: 'weights',
      bits: 4,
      levels: 15,
      channels: 3,
      mode: 'symmetric',
      enabled: true,
    });
    expect(weights.low).toBeCloseTo(-weights.high, 5);
    expect(weights.clipped).toBe(0);
    expect(weights.filled).toBeGreaterThan(0.9);
    expect(weights.layers).toEqual(['conv']);
    const input = rowOf(found, 'input/fq_output_0');
    expect(input).toMatchObject({ kind: 'activations', levels: 16, channels: 1, layers: ['conv'] });
    expect(input.readers).toEqual(['conv/Convolution']);
    expect(found.items).toBe(3);
  });

  it('puts both ends of the range inside it', async () => {
    const layer = new nn.Linear(3, 1, { bias: false });
    layer.weight.assign_(tensor([[-1, 0, 1]]));
    const quantized = await quantize(new nn.Sequential(layer), [tensor([[1, 2, 3]])]);
    const row = rowOf(await report(quantized, [tensor([[1, 2, 3]])]), '0/MatMul/fq_weights_1');
    const { counts, from, to } = row.histogram;
    const positions = counts.flatMap((count, bin) =>
      count > 0 ? [from + ((bin + 0.5) / counts.length) * (to - from)] : [],
    );
    expect(positions.every((position) => position > 0 && position < 1)).toBe(true);
    expect(row.clipped).toBe(0);
    expect(row.signalToNoise).toBeGreaterThan(100);
  });
});

describe('harm', () => {
  it('is the error of the outputs that goes away with a quantizer', async () => {
    const found = await report(model, data);
    expect(found.measure).toBe('error');
    expect(found.float).toBe(0);
    const outputs = (): number[][] => data.map((x) => [...noGrad(() => model.eval().forward(x)).dataSync()]);
    const on = outputs();
    model.disableQuantization();
    const off = outputs();
    model.enableQuantization();
    const error = (values: number[][]): number => {
      const each = values.map((own, item) => {
        const difference = own.reduce((sum, value, index) => sum + (value - off[item][index]) ** 2, 0);
        return difference / off[item].reduce((sum, value) => sum + value ** 2, 0);
      });
      return Math.sqrt(each.reduce((sum, value) => sum + value, 0) / each.length);
    };
    expect(found.quantized).toBeCloseTo(error(on), 8);
    for (const row of found.quantizers) {
      model.quantizer(row.name).disable();
      expect(row.withoutIt).toBeCloseTo(error(outputs()), 8);
      expect(row.harm).toBeCloseTo(found.quantized - (row.withoutIt as number), 12);
      model.quantizer(row.name).enable();
    }
    const harms = found.quantizers.map(({ harm }) => harm as number);
    expect([...harms].sort((a, b) => b - a)).toEqual(harms);
  });

  it('is the metric that is gained, with a validation function, which gets the items themselves', async () => {
    const costs: Record<string, number> = {
      'fc/MatMul/fq_weights_1': 0.2,
      'conv/Convolution/fq_weights_1': 0.3,
      'input/fq_output_0': -0.1,
    };
    const items = data.map((x, index) => ({ x, index }));
    const seen = new Set<number>();
    const found = await report(model, new CalibrationDataset(items, ({ x }: { x: Tensor }) => x), {
      async validationFn(network, given: AsyncIterable<{ x: Tensor; index: number }>) {
        for await (const { index } of given) seen.add(index);
        const { quantizers } = network as QuantizedModel;
        return 1 - quantizers.reduce((sum, { name, enabled }) => sum + (enabled ? (costs[name] ?? 0) : 0), 0);
      },
      subsetSize: 2,
    });
    expect([...seen]).toEqual([0, 1]);
    expect([found.measure, found.items]).toEqual(['metric', 2]);
    expect(found.float).toBeCloseTo(1, 12);
    expect(found.quantized).toBeCloseTo(0.6, 12);
    expect(found.quantizers.slice(0, 2).map(({ name }) => name)).toEqual([
      'conv/Convolution/fq_weights_1',
      'fc/MatMul/fq_weights_1',
    ]);
    expect(found.quantizers[0].withoutIt).toBeCloseTo(0.9, 12);
    expect(found.quantizers[0].harm).toBeCloseTo(0.3, 12);
    expect(found.quantizers.at(-1)).toMatchObject({ name: 'input/fq_output_0' });
    // Of those that cost nothing, the noisiest come first.
    const noise = found.quantizers.slice(2, -1).map(({ signalToNoise }) => signalToNoise);
    expect([...noise].sort((a, b) => a - b)).toEqual(noise);
  });

  it('is unknown of a quantizer that is off, which stays off', async () => {
    model.quantizer('fc/MatMul/fq_weights_1').disable();
    const found = await report(model, data);
    const row = found.quantizers.at(-1) as QuantizerReport;
    expect(row).toMatchObject({ name: 'fc/MatMul/fq_weights_1', enabled: false, harm: null, withoutIt: null });
    expect(model.quantizer('fc/MatMul/fq_weights_1').enabled).toBe(false);
    expect(found.table()).toContain('fc/MatMul/fq_weights_1 (off)');
    expect(findings(row, found)[0]).toContain('switched off');
  });
});

describe('the model', () => {
  it('is left as it was, also when the data does not fit', async () => {
    model.train();
    const before = stateOf(model);
    const done: number[] = [];
    await report(model, data, { onProgress: (count, total) => done.push(count / total) });
    await expect(report(model, [tensor([1, 2])])).rejects.toThrow();
    await expect(report(model, data, { validationFn: () => Number.NaN })).rejects.toThrow(/returned NaN/);
    expect(stateOf(model)).toEqual(before);
    expect(model.training).toBe(true);
    expect(model.quantizers.every(({ enabled }) => enabled)).toBe(true);
    expect(done.at(-1)).toBe(1);
  });

  it('must be quantized, and the options known', async () => {
    await expect(report(new SmallNet() as never, data)).rejects.toThrow(/not a QuantizedModel/);
    await expect(report(model, [])).rejects.toThrow(/data is empty/);
    await expect(report(model, data, { subsetSize: 0 })).rejects.toThrow(/positive whole number/);
    await expect(report(model, data, { validate: 1 } as object)).rejects.toThrow(/validationFn/);
    await expect(report(model, [data[0].mul(Number.NaN).detach()])).rejects.toThrow(/'input\/fq_output_0' hold NaN/);
  });
});

describe('the words', () => {
  const data: ReportData = { title: '', measure: 'metric', float: 0.9, quantized: 0.7, items: 1, quantizers: [] };
  const row: QuantizerReport = {
    ...{ name: 'a/fq_weights_1', kind: 'weights', mode: 'symmetric', bits: 3, levels: 7, operation: 'a' },
    ...{ readers: ['a/MatMul'], layers: ['a'], low: -1, high: 1, channels: 1, enabled: true, count: 100 },
    ...{ clipped: 0, clippedBelow: 0, clippedAbove: 0, signalToNoise: 30, filled: 1, withoutIt: 0.8, harm: 0.1 },
    histogram: { counts: [0, 5, 1, 0], from: -0.25, to: 1.25 },
  };

  it('say what is seen and what to do about it', () => {
    expect(findings(row, data).join(' ')).toContain("bitsByName: { 'a': { weights: 6 } }");
    expect(findings({ ...row, bits: 8 }, data).join(' ')).toContain("ignoredScope: { names: ['a/MatMul'] }");
    expect(findings({ ...row, harm: 0 }, data)).toEqual(['Rounding is small beside the values.']);
    expect(findings({ ...row, clipped: 0.05, harm: null }, data)[0]).toContain('5 % of the values lie beyond');
    expect(findings({ ...row, filled: 0.1, harm: null }, data)[0]).toContain('fill only 10 % of the range');
    expect(findings({ ...row, signalToNoise: 5, harm: null }, data)[0]).toContain('a lot');
    expect(histogramText(row)).toContain('Most values lie at 31 % of the range');
  });

  it('keep numbers short', () => {
    expect([0.123456, -2, 1e-7, 123456, 0, Infinity].map(number)).toEqual([
      '0.123',
      '−2',
      '1.00e−7',
      '1.23e+5',
      '0',
      '∞',
    ]);
    expect([0, 0.1, 0.0000001, 1].map(percent)).toEqual(['0 %', '10 %', '< 0.001 %', '100 %']);
  });
});
