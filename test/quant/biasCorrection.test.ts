/** Bias correction where NNCF gives no reference: it brings the mean of outputs back. */
import { beforeAll, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import * as nn from '../../src/nn/index.js';
import { type QuantizeOptions, quantize } from '../../src/quant/quantize.js';
import { channelMeans } from '../../src/quant/statistics/channelMeans.js';
import { full, rand } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const generator = new Generator(5);
/** Inputs that are not centred, so that errors of weights shift the output. */
const data = Array.from({ length: 8 }, () => rand([2, 4, 5, 5], { generator }));

/** Means of the output's channels over all data. */
function meansOf(model: { forward(x: Tensor): unknown }): number[] {
  const all = noGrad(() =>
    data.map((x) => {
      const y = model.forward(x) as Tensor;
      return channelMeans(y.dataSync(), y.shape, 1);
    }),
  );
  return [...all[0]].map((_, channel) => all.reduce((sum, means) => sum + means[channel], 0) / all.length);
}

const largest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, index) => Math.abs(value - b[index])));

/** Distance of the mean outputs to those of the float model, without and with corrections, with quantized weights only. */
async function shifts(model: nn.Module): Promise<{ without: number; corrected: number; layerwise: number }> {
  const target = meansOf(model.eval() as nn.Module & { forward(x: Tensor): unknown });
  const measure = async (options: QuantizeOptions): Promise<number> => {
    // A fifth of the subset is used layer after layer: here all the data.
    const quantized = await quantize(model, data, { bits: 3, subsetSize: 5 * data.length, ...options });
    for (const quantizer of quantized.quantizers) if (quantizer.spec.kind === 'activations') quantizer.disable();
    return largest(meansOf(quantized), target);
  };
  return {
    without: await measure({ advancedParameters: { disableBiasCorrection: true } }),
    corrected: await measure({}),
    layerwise: await measure({ fastBiasCorrection: false }),
  };
}

/** Biases of one, far from the threshold where a correction is not believed. */
function withBiases<M extends nn.Module>(model: M): M {
  for (const [name, parameter] of model.namedParameters())
    if (name.endsWith('bias')) noGrad(() => parameter.assign_(full(parameter.shape, 1)));
  return model;
}

beforeAll(() => {
  manualSeed(7);
});

describe('the mean of the output', () => {
  it.each<[string, () => nn.Module]>([
    ['of a convolution', () => new nn.Conv2d(4, 6, 3)],
    ['of a depthwise convolution', () => new nn.Conv2d(4, 8, 3, { groups: 4 })],
    ['of a transposed convolution', () => new nn.ConvTranspose2d(4, 6, 3, { stride: 2 })],
    ['of a grouped transposed convolution', () => new nn.ConvTranspose2d(4, 6, 2, { stride: 2, groups: 2 })],
    ['of a matrix product', () => new nn.Sequential(new nn.Flatten(), new nn.Linear(100, 6))],
    [
      'behind a batch normalisation',
      () => new nn.Sequential(new nn.Conv2d(4, 6, 1, { bias: false }), new nn.BatchNorm2d(6)),
    ],
    [
      'behind a batch normalisation and a transposed convolution',
      () => new nn.Sequential(new nn.ConvTranspose2d(4, 6, 2, { stride: 2 }), new nn.BatchNorm2d(6)),
    ],
  ])('%s comes back', async (_, make) => {
    const { without, corrected, layerwise } = await shifts(withBiases(make()));
    expect(without).toBeGreaterThan(1e-3);
    expect(corrected).toBeLessThan(without / 2);
    // Measured on the data itself, nothing remains of it.
    expect(layerwise).toBeLessThan(1e-5);
  });

  it('of several layers comes back layer after layer, also behind branches and joins', async () => {
    class Branches extends nn.Module {
      readonly stem = withBiases(new nn.Conv2d(4, 4, 3, { padding: 1 }));
      readonly left = withBiases(new nn.Conv2d(4, 4, 3, { padding: 1 }));
      readonly right = withBiases(new nn.Conv2d(4, 4, 1));
      readonly head = withBiases(new nn.Conv2d(4, 6, 1));
      override forward(x: Tensor): Tensor {
        const y = this.stem.forward(x).relu();
        return this.head.forward(this.left.forward(y).add(this.right.forward(y)).relu());
      }
    }
    const chain = new nn.Sequential(
      ...[new nn.Conv2d(4, 6, 3), new nn.ReLU(), new nn.Conv2d(6, 6, 3), new nn.ReLU(), new nn.Conv2d(6, 4, 1)],
    );
    const alone = await shifts(withBiases(chain));
    expect(alone.without).toBeGreaterThan(1e-2);
    expect(alone.layerwise).toBeLessThan(1e-5);
    expect(alone.layerwise).toBeLessThan(alone.corrected / 100);
    // Behind a join NNCF measures on values from before and after the later branch is corrected, so something remains.
    const { without, layerwise } = await shifts(new Branches());
    expect(without).toBeGreaterThan(1e-2);
    expect(layerwise).toBeLessThan(without);
  });
});

it('changes nothing beyond the threshold that the user gives', async () => {
  const model = withBiases(new nn.Conv2d(4, 6, 3));
  const before = [...(model.bias?.dataSync() ?? [])];
  for (const fastBiasCorrection of [true, false]) {
    const biasOf = async (threshold: number): Promise<number[]> => {
      const advancedParameters = { biasCorrectionParams: { threshold } };
      const quantized = await quantize(model, data, { bits: 3, fastBiasCorrection, advancedParameters });
      return [...(quantized.stateDict().get('bias')?.dataSync() ?? [])];
    };
    expect(await biasOf(1e-4)).toEqual(before);
    expect(await biasOf(10)).not.toEqual(before);
  }
});

it('is left alone where a bias is zero, or would change more than twofold', async () => {
  const zero = new nn.Conv2d(4, 6, 3);
  noGrad(() => zero.bias?.assign_(full([6], 0)));
  const small = new nn.Conv2d(4, 6, 3);
  noGrad(() => small.bias?.assign_(full([6], 1e-6)));
  for (const model of [zero, small]) {
    const before = [...(model.bias?.dataSync() ?? [])];
    const quantized = await quantize(model, data, { bits: 3 });
    const bias = [...quantized.namedParameters()].find(([name]) => name === 'bias')?.[1];
    expect([...(bias?.dataSync() ?? [])]).toEqual(before);
  }
});
