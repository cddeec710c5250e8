/** Small networks quantized by this library and by NNCF 3.4: places, kinds, ranges and corrected biases. */
import { describe, expect, it } from 'vitest';
import { quantize } from '../../../src/quant/quantize.js';
import { compareQuantizers, valueDifferences } from './compare.js';
import { calibrationOf, loadWeights, PLACEMENTS, type Preset } from './fixture.js';
import { NETS, Net } from './nets/index.js';

/** Differences that are meant, and why. */
const KNOWN_QUANTIZERS: Readonly<Record<string, readonly string[]>> = {
  // One quantizer for weights, however often a layer is called: they are stored once. NNCF has one for each call.
  sharedLayer: ['NNCF has a quantizer at pre:a/conv2d/1__1'],
  sharedWeight: ['NNCF has a quantizer at pre:b/linear/0__1'],
  // PyTorch's layer_norm has gamma as an input, so NNCF quantizes it like an activation. OpenVINO has no such input.
  transformerMlp: ['NNCF has a quantizer at pre:n/layer_norm/0__2'],
  // A scale for each row of a left operand is what NNCF gives, but OpenVINO does not compile that.
  leftConstant: [
    'MatMul/fq_weights_0: shape is [1], NNCF has [3,1]',
    'MatMul/fq_weights_0: granularity is false, NNCF has true',
  ],
  // NNCF knows torch.max(a, b) as the maximum over an axis too, which passes values on. Hardware quantizes Maximum.
  arithmetic: ['NNCF has no quantizer at Maximum/fq_output_0'],
};

/** NNCF cannot cut a transposed convolution out of a PyTorch model, and leaves its bias; it corrects it in OpenVINO models. */
const KNOWN_BIASES: Readonly<Record<string, readonly string[]>> = {
  unet: ['up.bias'],
  transposed: ['n.bias', 'b.bias'],
  overflowEnable: ['up.bias'],
};

describe.each(['performance', 'mixed'] as Preset[])('preset %s', (preset) => {
  it.each(Object.keys(NETS))('%s', async (name) => {
    const { layers, run, options } = NETS[name];
    const reference = PLACEMENTS.nets[name][preset];
    const model = new Net(layers(), run);
    loadWeights(model, name);
    model.eval();
    const items = calibrationOf(PLACEMENTS.nets[name].inputs);
    const quantized = await quantize(model, items, { preset, ...options });
    const { differences } = compareQuantizers(model, items[0], quantized, reference);
    expect(differences).toEqual(KNOWN_QUANTIZERS[name] ?? []);
    expect(valueDifferences(model, quantized, reference.corrected, KNOWN_BIASES[name] ?? [])).toEqual([]);
  });
});

it('covers every network of the fixture', () => {
  expect(Object.keys(NETS).sort()).toEqual(Object.keys(PLACEMENTS.nets).sort());
});
