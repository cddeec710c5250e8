/** Networks quantized with other options by this library and by NNCF 3.4: places, kinds, ranges, biases, and errors. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/errors.js';
import { type QuantizeOptions, quantize } from '../../../src/quant/quantize.js';
import type { QuantizedModel } from '../../../src/quant/quantizedModel.js';
import { compareQuantizers, valueDifferences } from './compare.js';
import { calibrationOf, loadWeights, type Reference, readTensors } from './fixture.js';
import { NETS, Net } from './nets/index.js';
import { OPTION_NETS } from './nets/options.js';

interface Smoothed {
  readonly hooks: readonly string[];
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

type Case = Partial<Reference> & {
  readonly net: string;
  readonly inputs: readonly string[];
  readonly options: QuantizeOptions;
  readonly smooth?: readonly Smoothed[];
  readonly error?: string;
};

const { cases } = JSON.parse(readFileSync(new URL('./fixtures/options.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Case[];
};
const tensors = readTensors('options.safetensors');

/** Differences that are meant, by network, and why. */
const KNOWN: Readonly<Record<string, readonly RegExp[]>> = {
  // One quantizer for weights that several layers share, as they are stored once.
  sharedWeight: [/^NNCF has a quantizer at pre:b\/linear\/0__1$/],
  // In PyTorch each of the layers that read a value divides it for itself, so there are several readers to merge at it.
  'heads cpu_spr': [/^NNCF has a quantizer at post:x__0$/],
};

/** NNCF corrects transposed convolutions in OpenVINO models only. */
const KNOWN_BIASES: Readonly<Record<string, readonly string[]>> = {
  unet: ['up.bias'],
  transposed: ['n.bias', 'b.bias'],
};

const floatModel = (name: string): Net => {
  const { layers, run } = { ...NETS, ...OPTION_NETS }[name];
  const model = new Net(layers(), run);
  loadWeights(model, name, tensors);
  return model.eval() as Net;
};

/** The factors that activations of a layer are multiplied by. */
function smoothDifferences(quantized: QuantizedModel, expected: readonly Smoothed[]): string[] {
  const own = quantized.graph.nodes.filter(({ name }) => name.endsWith('/nncf_smooth_quant'));
  const found = own.map((node) => node.inputs[1].node.constant.tensor);
  const differences = expected.flatMap(({ hooks, shape, values }) => {
    const same = found.some(
      (tensor) =>
        String(tensor.shape) === String(shape) &&
        values.every((value, index) => Math.abs(tensor.dataSync()[index] - value) <= 1e-5 * Math.abs(value)),
    );
    return same ? [] : [`NNCF smooths ${hooks.join(', ')} by ${values.join()}`];
  });
  return own.length === expected.length ? differences : [...differences, `${own.length} values are smoothed`];
}

const title = ({ net, options }: Case): string => `${net} ${JSON.stringify(options)}`;

describe('as NNCF does', () => {
  it.each(cases.filter(({ error }) => !error).map((entry) => [title(entry), entry] as const))(
    '%s',
    async (_, entry) => {
      const { net, options, inputs, quantizers = [], corrected = {}, smooth = [] } = entry;
      const model = floatModel(net);
      const items = calibrationOf(inputs, tensors);
      const quantized = await quantize(model, items, options);
      const reference = { quantizers, corrected };
      const { differences } = compareQuantizers(model, items[0], quantized, reference);
      const known = KNOWN[net] ?? KNOWN[`${net} ${options.targetDevice}`] ?? [];
      expect(differences.filter((text) => !known.some((pattern) => pattern.test(text)))).toEqual([]);
      expect(smoothDifferences(quantized, smooth)).toEqual([]);
      expect(valueDifferences(model, quantized, corrected, KNOWN_BIASES[net] ?? [])).toEqual([]);
    },
  );
});

/** Types of our operations at the places that NNCF names. */
const CONFLICTS: Readonly<Record<string, string>> = {
  'a/conv2d/0': 'a/Convolution',
  'stem/0/conv2d/0': 'stem/0/Convolution',
  'pool/adaptive_avg_pool2d/0': 'pool/ReduceMean',
};

describe('refuses what NNCF refuses', () => {
  it.each(cases.flatMap((entry) => (entry.error ? [[title(entry), entry, entry.error] as const] : [])))(
    '%s',
    async (_, { net, inputs, options }, error) => {
      const place = error.match(/First conflicting quantizer location: (.*)$/)?.[1];
      const quantizing = quantize(floatModel(net), calibrationOf(inputs, tensors), options);
      const message = await quantizing.then(
        () => 'none',
        (reason: unknown) => {
          expect(reason).toBeInstanceOf(ValidationError);
          return (reason as Error).message;
        },
      );
      expect(message).toMatch(place ? `'${CONFLICTS[place]}' cannot be quantized as asked` : /half of their range/);
    },
  );
});
