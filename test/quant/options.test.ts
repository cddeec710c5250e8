/** Options of quantize(). */
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import { type QuantizeOptions, quantize } from '../../src/quant/quantize.js';
import { images, SmallNet, stateOf, valuesOf } from './models.js';

const quantizeWith = (options: unknown) => quantize(new SmallNet(), images(2), options as QuantizeOptions);

describe('wrong options', () => {
  it.each<[string, unknown, RegExp]>([
    ['a misspelled name', { subset_size: 3 }, /subsetSize/],
    ['no object', 8, /object/],
    ['an unknown preset', { preset: 'fast' }, /'performance', 'mixed'/],
    ['an unknown device', { targetDevice: 'tpu' }, /'any', 'cpu', 'gpu', 'npu', 'cpu_spr'/],
    ['an unknown overflow fix', { overflowFix: 'first' }, /'firstLayer'/],
    ['a subset of nothing', { subsetSize: 0 }, /positive whole number, not 0/],
    ['half a sample', { subsetSize: 2.5 }, /not 2\.5/],
    ['one bit', { bits: 1 }, /2 to 8, not 1/],
    ['nine bits of weights', { bits: { weights: 9 } }, /bits of weights.*not 9/],
    ['half a bit', { bits: { activations: 2.5 } }, /bits of activations/],
    ['a misspelled kind', { bits: { weight: 4 } }, /weights/],
    ['bits in words', { bits: 'eight' }, /bits/],
    ['a flag in words', { fastBiasCorrection: 'no' }, /true or false, not no/],
    ['another flag in words', { batchwiseStatistics: 1 }, /true or false/],
    ['an ignored scope with a misspelled list', { ignoredScope: { name: ['fc'] } }, /names/],
    ['an ignored name outside a list', { ignoredScope: { names: 'fc' } }, /array of strings/],
  ])('%s', async (_, options, message) => {
    await expect(quantizeWith(options)).rejects.toThrow(ValidationError);
    await expect(quantizeWith(options)).rejects.toThrow(message);
  });
});

describe('bits', () => {
  it.each([2, 3, 4, 8])('of %i for both kinds', async (bits) => {
    const { quantizers, record } = await quantizeWith({ bits });
    expect(record.bits).toEqual({ weights: bits, activations: bits });
    for (const { spec, codes } of quantizers) {
      expect(spec.bits).toBe(bits);
      const levels = codes.levelHigh - codes.levelLow + 1;
      expect(levels).toBe(2 ** bits - (spec.kind === 'weights' ? 1 : 0));
    }
  });

  it('differ by kind', async () => {
    const { quantizers } = await quantizeWith({ bits: { weights: 2 } });
    expect(quantizers.filter(({ spec }) => spec.kind === 'weights').every(({ spec }) => spec.bits === 2)).toBe(true);
    expect(quantizers.filter(({ spec }) => spec.kind === 'activations').every(({ spec }) => spec.bits === 8)).toBe(
      true,
    );
  });

  it('other than 8 need no overflow fix', async () => {
    expect((await quantizeWith({ bits: 4 })).record.overflowFix).toBe('disable');
    expect((await quantizeWith({})).record.overflowFix).toBe('firstLayer');
  });
});

describe('overflow fix', () => {
  it('doubles the scale of the first convolution, of all, or of none', async () => {
    const model = new SmallNet();
    const scalesOf = async (overflowFix: QuantizeOptions['overflowFix']) => {
      const { quantizers } = await quantize(model, images(2), { overflowFix });
      return quantizers.filter(({ spec }) => spec.kind === 'weights').map(({ parameters }) => valuesOf(parameters[0]));
    };
    const [none, first, all] = [await scalesOf('disable'), await scalesOf('firstLayer'), await scalesOf('enable')];
    const twice = (values: number[]) => values.map((value) => 2 * value);
    expect(first).toEqual([twice(none[0]), none[1], none[2]]);
    expect(all).toEqual(none.map(twice));
  });
});

describe('bias correction', () => {
  it('changes biases and nothing else, and can be switched off', async () => {
    const model = new SmallNet();
    // Biases of zero have no relative change, so NNCF's rule leaves them.
    for (const [name, parameter] of model.namedParameters())
      if (name.endsWith('bias')) parameter.assign_(parameter.add(0.3));
    const before = stateOf(model);
    const off = stateOf(await quantize(model, images(2), { advancedParameters: { disableBiasCorrection: true } }));
    for (const [name, values] of before) if (off.has(name)) expect(off.get(name), name).toEqual(values);
    const on = stateOf(await quantize(model, images(2)));
    const changed = [...before.keys()].filter(
      (name) => on.has(name) && String(on.get(name)) !== String(before.get(name)),
    );
    expect(changed).toEqual(['norm.bias', 'block.1.bias', 'fc.bias']);
  });
});

it('gives the same result for a model that trains as for one that does not', async () => {
  const model = new SmallNet(0.5);
  const data = images(3);
  const [training, evaluating] = [await quantize(model.train(), data), await quantize(model.eval(), data)];
  expect([training.training, evaluating.training]).toEqual([true, false]);
  expect(stateOf(training)).toEqual(stateOf(evaluating));
});
