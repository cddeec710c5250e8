/** Compares a quantized model with what NNCF made of the same network: one line for each difference. */
import { trace } from '../../../src/graph/trace.js';
import type { Module } from '../../../src/nn/module.js';
import type { QuantizedModel } from '../../../src/quant/quantizedModel.js';
import type { Quantizer } from '../../../src/quant/quantizer.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { placeOf, type Reference, type ReferenceQuantizer } from './fixture.js';

/** Relative agreement of ranges; biases are compared on the scale of the layer's output. */
export const RANGE_TOLERANCE = 1e-5;

export interface Comparison {
  readonly differences: string[];
  readonly quantizers: number;
  /** Largest relative difference of a range parameter. */
  readonly range: number;
}

/** Weights are named after the operation and port; an input quantizer of NNCF may stand on weights. */
const variants = (place: string): string[] => {
  const match = place.match(/^(.*)\/fq_(\d+)$/);
  return match ? [`${match[1]}/fq_weights_${match[2]}`, `${match[1]}/fq_input_${match[2]}`] : [place];
};

function compareOne(quantizer: Quantizer, reference: ReferenceQuantizer): { problems: string[]; range: number } {
  const { spec, parameters } = quantizer;
  const problems: string[] = [];
  const expect = (what: string, own: unknown, theirs: unknown): void => {
    if (own !== theirs) problems.push(`${quantizer.name}: ${what} is ${String(own)}, NNCF has ${String(theirs)}`);
  };
  expect('mode', spec.mode, reference.mode);
  expect('narrow range', spec.narrowRange, reference.narrow);
  expect('shape', JSON.stringify(parameters[0].shape), JSON.stringify(reference.shape));
  expect('granularity', spec.perChannel, reference.shape.length > 1);
  expect('bits', spec.bits, reference.bits ?? 8);
  if (reference.signed !== undefined) expect('sign', spec.signed, reference.signed);
  let range = 0;
  if (String(parameters[0].shape) !== String(reference.shape)) return { problems, range };
  reference.values?.forEach((values, index) => {
    const own = parameters[index]?.dataSync() ?? [];
    const scale = Math.max(...values.map(Math.abs));
    values.forEach((value, element) => {
      const difference = Math.abs(own[element] - value) / (Math.abs(value) || scale || 1);
      range = Math.max(range, Number.isNaN(difference) ? Infinity : difference);
      if (!(difference <= RANGE_TOLERANCE))
        problems.push(`${quantizer.name}: parameter ${index}[${element}] is ${own[element]}, NNCF has ${value}`);
    });
  });
  return { problems, range };
}

/** Compares quantizers. `model` is the float model that `quantized` was made from. */
export function compareQuantizers(
  model: Module,
  inputs: readonly Tensor[],
  quantized: QuantizedModel,
  reference: Reference,
): Comparison {
  const { graph } = trace(model, inputs);
  const own = new Map(quantized.quantizers.map((quantizer) => [quantizer.name, quantizer]));
  const differences: string[] = [];
  const met = new Set<string>();
  let range = 0;
  for (const theirs of reference.quantizers) {
    const shared = new Set<unknown>();
    for (const hook of theirs.hooks) {
      const places = variants(placeOf(graph, hook));
      const name = places.find((place) => own.has(place));
      if (!name) {
        differences.push(`NNCF has a quantizer at ${hook}`);
        continue;
      }
      met.add(name);
      const quantizer = own.get(name) as Quantizer;
      shared.add(quantizer.parameters[0]);
      const result = compareOne(quantizer, theirs);
      differences.push(...result.problems);
      range = Math.max(range, result.range);
    }
    if (shared.size > 1) differences.push(`NNCF has one quantizer at ${theirs.hooks.join(' and ')}`);
  }
  for (const name of own.keys()) if (!met.has(name)) differences.push(`NNCF has no quantizer at ${name}`);
  return { differences, quantizers: own.size, range };
}

const BIAS_TOLERANCE = 1e-5;

/** Differences of weights and biases after quantization: those that NNCF changed, and that the others are as before. */
export function valueDifferences(
  model: Module,
  quantized: QuantizedModel,
  corrected: Reference['corrected'],
  known: readonly string[],
): string[] {
  const own = quantized.stateDict();
  const differences: string[] = [];
  for (const [name, before] of model.stateDict()) {
    const after = own.get(name);
    if (!after || known.includes(name)) continue;
    const values = after.dataSync();
    const expected = corrected[name] ?? [...before.dataSync()];
    expected.forEach((value, index) => {
      const difference = Math.abs(values[index] - value);
      if (!(difference <= BIAS_TOLERANCE * Math.max(1, Math.abs(value))))
        differences.push(`${name}[${index}] is ${values[index]}, NNCF has ${value}`);
    });
  }
  const lacking = Object.keys(corrected).filter((name) => !own.has(name));
  return [...differences, ...lacking.map((name) => `${name} does not exist`)];
}
