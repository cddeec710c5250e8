/** Fine-tuning a quantized network, against PyTorch and NNCF: losses, gradients of the quantizers, and what it ends with. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { decodeSafetensors } from '../../../src/checkpoint/safetensors.js';
import type { Graph } from '../../../src/graph/graph.js';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import * as F from '../../../src/ops/functional.js';
import { Adam } from '../../../src/optim/adam.js';
import { quantize } from '../../../src/quant/quantize.js';
import type { QuantizedModel } from '../../../src/quant/quantizedModel.js';
import { fromValues } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { type Preset, placeOf } from './fixture.js';
import { Net } from './nets/index.js';
import { conv, convBn, relu } from './nets/net.js';

interface Run {
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly final: Readonly<Record<string, readonly number[]>>;
  readonly statistics: Readonly<Record<string, readonly number[]>>;
  readonly output: readonly number[];
}

const folder = new URL('./fixtures/', import.meta.url);
const { lr, presets } = JSON.parse(readFileSync(new URL('training.json', folder), 'utf8')) as {
  readonly lr: number;
  readonly presets: Readonly<Record<Preset, Run>>;
};
const { tensors } = decodeSafetensors(readFileSync(new URL('training.safetensors', folder)));

/** The items of a stacked tensor. */
function unstack(name: string): Tensor[] {
  const host = tensors.get(name);
  if (!host) throw new Error(`The fixture has no '${name}'.`);
  const [count, ...shape] = host.shape;
  const size = host.data.length / count;
  return Array.from({ length: count }, (_, index) =>
    fromValues(host.data.slice(index * size, (index + 1) * size), shape, host.dtype),
  );
}

function floatModel(): Net {
  const model = new Net(
    {
      ...{ stem: convBn(3, 4, relu), expand: convBn(4, 4, () => new nn.ReLU6(), {}, 1) },
      ...{ depthwise: convBn(4, 4, () => new nn.ReLU6(), { groups: 4 }), point: convBn(4, 4, undefined, {}, 1) },
      ...{
        relu: relu(),
        head: conv(4, 5, 3, 0),
        relub: relu(),
        pool: new nn.AdaptiveAvgPool2d(1),
        fc: new nn.Linear(5, 4),
      },
    },
    (m, [x]) => {
      const y = m.stem(x);
      const z = m.relu(F.add(m.point(m.depthwise(m.expand(y))), y));
      return m.fc(F.flatten(m.pool(m.relub(m.head(z))), 1));
    },
  );
  const weights = [...tensors].filter(([key]) => key.startsWith('model.'));
  model.loadStateDict(
    new Map(
      weights.map(([key, { data, shape, dtype }]) => [key.slice('model.'.length), fromValues(data, shape, dtype)]),
    ),
    { strict: false },
  );
  return model.eval() as Net;
}

/** The parameter that NNCF's name stands for. */
function parameterOf(graph: Graph, quantized: QuantizedModel, name: string): nn.Parameter {
  const [, hook, kind] = name.match(/^((?:pre|post):.*)\.(scale|input_low|input_range)$/) ?? [];
  const quantizer = hook && quantized.quantizer(placeOf(graph, hook).replace(/fq_1$/, 'fq_weights_1'));
  const found = quantizer
    ? quantizer.parameters[kind === 'input_range' ? 1 : 0]
    : [...quantized.namedParameters()].find(([path]) => path === name)?.[1];
  if (!found) throw new Error(`The model has no parameter ${name}.`);
  return found;
}

/** Largest difference, relative to the largest value. */
function difference(own: ArrayLike<number>, theirs: readonly number[]): number {
  expect(own.length).toBe(theirs.length);
  const scale = Math.max(...theirs.map(Math.abs), 1e-12);
  return Math.max(...theirs.map((value, index) => Math.abs(own[index] - value))) / scale;
}

describe.each(['performance', 'mixed'] as Preset[])('preset %s', (preset) => {
  const reference = presets[preset];
  const losses: number[] = [];
  let graph: Graph;
  let quantized: QuantizedModel;
  let gradients: Map<string, number[]>;
  let original: Net;
  let before: Map<string, number[]>;
  const state = (model: nn.Module): Map<string, number[]> =>
    new Map([...model.stateDict()].map(([name, tensor]) => [name, [...tensor.dataSync()]]));

  beforeAll(async () => {
    const [images, labels] = [unstack('images'), unstack('labels')];
    original = floatModel();
    before = state(original);
    graph = trace(original, [images[0]]).graph;
    quantized = (await quantize(original, images.slice(0, 4), { preset })).train();
    const optimizer = new Adam(quantized.parameters(), { lr });
    images.forEach((image, step) => {
      const loss = F.crossEntropy(quantized.forward(image) as Tensor, labels[step]);
      optimizer.zeroGrad();
      loss.backward();
      gradients ??= new Map(
        Object.keys(reference.gradients).map((name) => [
          name,
          [...(parameterOf(graph, quantized, name).grad?.dataSync() ?? [])],
        ]),
      );
      optimizer.step();
      losses.push(loss.dataSync()[0]);
    });
  });

  it('has the same trainable parameters', () => {
    const named = Object.keys(reference.gradients).map((name) => parameterOf(graph, quantized, name));
    expect(new Set(named)).toEqual(new Set(quantized.parameters()));
  });

  it('gives every weight and every quantizer the gradient that NNCF gives it', () => {
    for (const [name, values] of Object.entries(reference.gradients)) {
      expect(difference(gradients.get(name) ?? [], values), name).toBeLessThan(1e-4);
    }
  });

  it('follows the loss curve', () => {
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - reference.losses[step]) / reference.losses[step], `step ${step}`).toBeLessThan(1e-4);
    });
  });

  it('ends with the same parameters, statistics and outputs', () => {
    for (const [name, values] of Object.entries(reference.final)) {
      const own = parameterOf(graph, quantized, name).dataSync();
      expect(difference(own, values), name).toBeLessThan(1e-3);
    }
    const buffers = new Map([...quantized.namedBuffers()]);
    for (const [name, values] of Object.entries(reference.statistics)) {
      const own = buffers.get(name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
      expect(difference(own?.dataSync() ?? [], values), name).toBeLessThan(1e-3);
    }
    quantized.eval();
    const output = noGrad(() => quantized.forward(unstack('images')[0]) as Tensor);
    quantized.train();
    expect(difference(output.dataSync(), reference.output)).toBeLessThan(1e-2);
  });

  it('leaves the float model alone', () => {
    expect(state(original)).toEqual(before);
    expect(original.training).toBe(false);
    expect(original.parameters().every((parameter) => parameter.grad === null)).toBe(true);
  });
});
