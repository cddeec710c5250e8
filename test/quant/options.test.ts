/** Options of quantize(). */
import { describe, expect, it } from 'vitest';
import { UnsupportedError, ValidationError } from '../../src/errors.js';
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
    ['a misspelled advanced parameter', { advancedParameters: { quantizeOutput: true } }, /'quantizeOutputs'/],
    ['an unknown model type', { modelType: 'cnn' }, /'transformer'/],
    ['an unknown rule', { advancedParameters: { quantizerPropagationRule: 'merge' } }, /'mergeAllInOne'/],
    [
      'a width that no table has',
      { advancedParameters: { weightsQuantizationParams: { numBits: 16 } } },
      /weightsQuantizationParams\.numBits must be .* from 2 to 8, not 16/,
    ],
    [
      'another width in two places',
      { bits: { weights: 8 }, advancedParameters: { weightsQuantizationParams: { numBits: 4 } } },
      /bits of weights is 8, but advancedParameters says 4/,
    ],
    [
      'two overflow fixes',
      { overflowFix: 'enable', advancedParameters: { overflowFix: 'disable' } },
      /overflowFix is enable, but advancedParameters says disable/,
    ],
    [
      'an unknown statistic',
      { advancedParameters: { activationsRangeEstimatorParams: { min: { statisticsType: 'minimum' } } } },
      /activationsRangeEstimatorParams\.min: statisticsType is 'minimum'/,
    ],
    [
      'half a histogram',
      { advancedParameters: { activationsRangeEstimatorParams: { max: { aggregatorType: 'histogram' } } } },
      /both ends together/,
    ],
    [
      'a quantile beyond the middle',
      { advancedParameters: { weightsRangeEstimatorParams: { max: { quantileOutlierProb: 0.5 } } } },
      /below 0\.5, not 0\.5/,
    ],
    [
      'a threshold below zero',
      { advancedParameters: { biasCorrectionParams: { threshold: -1 } } },
      /threshold must be 0 or more, not -1/,
    ],
    ['an alpha above one', { advancedParameters: { smoothQuantAlphas: { matmul: 2 } } }, /matmul must be from 0 to 1/],
    [
      'what the hardware cannot do',
      { advancedParameters: { weightsQuantizationParams: { numBits: 4 } } },
      /weights of 'conv\/Convolution' cannot be quantized as asked \(4 bits, symmetric\): target 'cpu'/,
    ],
    ['an ignored scope with a misspelled list', { ignoredScope: { name: ['fc'] } }, /names/],
    ['an ignored name outside a list', { ignoredScope: { names: 'fc' } }, /array of strings/],
  ])('%s', async (_, options, message) => {
    await expect(quantizeWith(options)).rejects.toThrow(ValidationError);
    await expect(quantizeWith(options)).rejects.toThrow(message);
  });

  it('biases of layers that have none', async () => {
    const options = { advancedParameters: { biasCorrectionParams: { applyForAllNodes: true } } };
    await expect(quantizeWith(options)).rejects.toThrow(UnsupportedError);
  });
});

describe('target devices', () => {
  it('may be written as NNCF writes them', async () => {
    for (const targetDevice of ['CPU_SPR', 'cpu_spr'])
      expect((await quantizeWith({ targetDevice })).record.targetDevice).toBe('cpu_spr');
  });

  it('that have no table of their own at 8 bits take the CPU’s', async () => {
    const names = async (targetDevice: string) =>
      (await quantizeWith({ targetDevice })).quantizers.map(({ name }) => name);
    expect(await names('gpu')).toEqual(await names('cpu'));
    expect(await names('npu')).toEqual(await names('any'));
  });
});

it('a range estimator for one end leaves the other as it is by default', async () => {
  const of = async (activationsRangeEstimatorParams: object) => {
    const { quantizers } = await quantizeWith({
      preset: 'mixed',
      advancedParameters: { activationsRangeEstimatorParams },
    });
    const [input] = quantizers;
    return input.parameters.map((parameter) => valuesOf(parameter)[0]);
  };
  const [low, range] = await of({});
  const [otherLow, otherRange] = await of({ max: { aggregatorType: 'max' } });
  expect(otherLow).toBeCloseTo(low, 1);
  expect(otherRange).toBeGreaterThan(range);
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
