/** Full bias correction against NNCF's, which runs on the same networks in OpenVINO. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { quantize } from '../../../src/quant/quantize.js';
import { calibrationOf, loadWeights, type Preset, readTensors } from './fixture.js';
import { NETS, Net } from './nets/index.js';
import { OPTION_NETS } from './nets/options.js';

type Shifts = Readonly<Record<string, readonly number[]>>;

const { nets } = JSON.parse(readFileSync(new URL('./fixtures/bias.json', import.meta.url), 'utf8')) as {
  readonly nets: Readonly<Record<string, { readonly inputs: readonly string[] } & Readonly<Record<Preset, Shifts>>>>;
};
const tensors = readTensors('options.safetensors');

/**
 * Biases that are not compared. In OpenVINO the bias of a matrix product becomes part of a normalization behind it, where
 * NNCF does not find it; here it is corrected, and so what follows is measured on other values.
 */
const OWN: Readonly<Record<string, readonly string[]>> = { mlp: ['b.bias', 'c.bias'] };

/** Outputs of the layers are of the order of 1, so this is a share of their scale. */
const TOLERANCE = 1e-5;

describe.each(['performance', 'mixed'] as Preset[])('preset %s', (preset) => {
  it.each(Object.keys(nets))('%s', async (name) => {
    const { layers, run } = { ...NETS, ...OPTION_NETS }[name];
    const model = new Net(layers(), run);
    loadWeights(model, name, tensors);
    model.eval();
    const items = calibrationOf(nets[name].inputs, tensors);
    const quantized = await quantize(model, items, { preset, fastBiasCorrection: false, overflowFix: 'disable' });
    const before = model.stateDict();
    const after = quantized.stateDict();
    const expected = new Map(Object.entries(nets[name][preset]).map(([layer, shift]) => [`${layer}.bias`, shift]));
    const differences: string[] = [];
    for (const [path, tensor] of before) {
      const own = after.get(path)?.dataSync();
      if (!path.endsWith('.bias') || !own || OWN[name]?.includes(path)) continue;
      [...tensor.dataSync()].forEach((value, index) => {
        const shift = expected.get(path)?.[index] ?? 0;
        if (!(Math.abs(own[index] - value - shift) <= TOLERANCE))
          differences.push(`${path}[${index}] moves by ${own[index] - value}, NNCF's by ${shift}`);
      });
    }
    expect(differences).toEqual([]);
    expect([...expected.keys()].every((path) => after.has(path))).toBe(true);
  });
});
