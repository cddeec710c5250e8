/** Folding batch normalisation changes no result, and no integer code. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { executeGraph } from '../../../src/graph/execute.js';
import type { GraphNode } from '../../../src/graph/graph.js';
import { trace } from '../../../src/graph/trace.js';
import { findDequantization } from '../../../src/ir/lowering/dequantization.js';
import { lower } from '../../../src/ir/lowering/lower.js';
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { quantize } from '../../../src/quant/index.js';
import { referenceBackend, setDefaultBackend } from '../../../src/tensor/backend.js';
import { fromValues, randn } from '../../../src/tensor/create.js';
import { Generator, manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { FunctionModule, relativeError, type TensorFunction } from '../functionModule.js';

// Where lowered graphs are: here they are run beside the models that they come from.
setDefaultBackend(referenceBackend());

/** Statistics that training could have left, with scales of both signs and of zero. */
function randomize(layer: nn.BatchNorm2d | nn.BatchNorm1d, generator: Generator): void {
  const draw = (next: () => number): Tensor =>
    fromValues(Float32Array.from({ length: layer.numFeatures }, next), [layer.numFeatures], 'float32');
  layer.weight?.assign_(draw(() => (generator.bernoulli(0.1) ? 0 : 2 * generator.normal())));
  layer.bias?.assign_(draw(() => generator.normal()));
  layer.runningMean?.assign_(draw(() => 3 * generator.normal()));
  layer.runningVar?.assign_(draw(() => 0.01 + 4 * generator.uniformDouble()));
}

interface Example {
  readonly layer: nn.Module;
  readonly channels: number;
  readonly input: readonly number[];
}

/** An operation with weights, and how many channels it gives. */
const examples: Record<string, (bias: boolean) => Example> = {
  Convolution: (bias) => ({ layer: new nn.Conv2d(3, 5, 3, { bias, padding: 1 }), channels: 5, input: [2, 3, 5, 4] }),
  GroupConvolution: (bias) => ({
    layer: new nn.Conv2d(4, 6, 3, { bias, groups: 2 }),
    channels: 6,
    input: [2, 4, 5, 4],
  }),
  'depthwise GroupConvolution': (bias) => ({
    layer: new nn.Conv2d(4, 8, 2, { bias, groups: 4 }),
    channels: 8,
    input: [2, 4, 5, 4],
  }),
  ConvolutionBackpropData: (bias) => ({
    layer: new nn.ConvTranspose2d(3, 5, 3, { bias, stride: 2 }),
    channels: 5,
    input: [2, 3, 3, 4],
  }),
  GroupConvolutionBackpropData: (bias) => ({
    layer: new nn.ConvTranspose2d(4, 6, 2, { bias, groups: 2 }),
    channels: 6,
    input: [2, 4, 3, 4],
  }),
  MatMul: (bias) => ({ layer: new nn.Linear(4, 6, { bias }), channels: 6, input: [3, 4] }),
};

const withNormalization = ({ layer, channels, input }: Example, generator: Generator): nn.Sequential => {
  const normalization = input.length === 4 ? new nn.BatchNorm2d(channels) : new nn.BatchNorm1d(channels);
  randomize(normalization, generator);
  return new nn.Sequential(layer, normalization).eval();
};

const typesOf = (nodes: readonly GraphNode[]): string[] => nodes.map(({ type }) => type);

describe('batch normalization', () => {
  for (const [name, example] of Object.entries(examples)) {
    it(`is folded into ${name}, with and without bias`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.boolean(), fc.integer({ min: 0, max: 1e6 }), async (bias, seed) => {
          manualSeed(seed);
          const generator = new Generator(seed);
          const chosen = example(bias);
          const model = withNormalization(chosen, generator);
          const x = randn(chosen.input, { generator });
          const graph = await lower(trace(model, [x]).graph);
          const types = typesOf(graph.nodes);
          expect(types).not.toContain('BatchNormInference');
          expect(types.filter((type) => type === 'Multiply')).toEqual([]);
          expect(types.filter((type) => type === 'Add')).toHaveLength(1);
          const [folded] = noGrad(() => executeGraph(graph, [x]));
          expect(
            relativeError(
              folded,
              noGrad(() => model.forward(x) as Tensor),
            ),
          ).toBeLessThan(2e-6);
        }),
        { numRuns: 15 },
      );
    });

    it(`leaves the codes of a quantized ${name} as they are`, async () => {
      manualSeed(3);
      const generator = new Generator(3);
      const chosen = example(true);
      const model = withNormalization(chosen, generator);
      const x = randn(chosen.input, { generator });
      const quantized = await quantize(model, [x]);
      const weights = quantized.quantizers.find(({ spec }) => spec.kind === 'weights');
      const graph = await lower(quantized.graph);
      expect(typesOf(graph.nodes)).not.toContain('BatchNormInference');
      const [found] = graph.nodes.flatMap((node) => findDequantization(node.outputs[0]) ?? []);
      const constant = quantized.graph.node(weights?.name ?? '').inputs[0].node.constant.tensor;
      expect(Array.from(found.codes.dataSync())).toEqual(Array.from(weights?.quantize(constant).dataSync() ?? []));
      const expected = noGrad(() => quantized.eval().forward(x) as Tensor);
      expect(relativeError(noGrad(() => executeGraph(graph, [x]))[0], expected)).toBeLessThan(2e-6);
    });
  }

  const scale = new nn.BatchNorm2d(3).eval();
  randomize(scale, new Generator(8));
  const convolution = new nn.Conv2d(3, 3, 1).eval();
  const alone: [string, TensorFunction][] = [
    ['nothing before it', (x) => scale.forward(x)],
    ['an activation before it', (x) => scale.forward(new nn.ReLU().forward(convolution.forward(x)))],
    [
      'a convolution that something else reads too',
      (x) => {
        const y = convolution.forward(x);
        return add(scale.forward(y), y);
      },
    ],
    [
      'a convolution that is an output',
      (x) => {
        const y = convolution.forward(x);
        return [scale.forward(y), y];
      },
    ],
    [
      'a bias with other axes',
      (x) => scale.forward(add(convolution.forward(x), randn([1, 1, 2, 2], { generator: new Generator(1) }))),
    ],
  ];

  it.each(alone)('becomes a multiplication and an addition with %s', async (_name, run) => {
    const x = randn([2, 3, 2, 2], { generator: new Generator(9) });
    const model = new FunctionModule(run);
    const graph = await lower(trace(model, [x]).graph);
    const types = typesOf(graph.nodes);
    expect(types).toContain('Multiply');
    expect(types).not.toContain('BatchNormInference');
    const expected = noGrad(() => [run(x)].flat());
    noGrad(() => executeGraph(graph, [x])).forEach((tensor, index) => {
      expect(relativeError(tensor, expected[index])).toBeLessThan(2e-6);
    });
  });

  it('takes weights that two layers share apart', async () => {
    const shared = new nn.Conv2d(3, 3, 1, { bias: false });
    const [first, second] = [new nn.BatchNorm2d(3), new nn.BatchNorm2d(3)];
    for (const [index, layer] of [first, second].entries()) randomize(layer, new Generator(20 + index));
    const model = new nn.Sequential(shared, first, shared, second).eval();
    const x = randn([2, 3, 4, 4], { generator: new Generator(2) });
    const graph = await lower(trace(model, [x]).graph);
    expect(
      relativeError(
        noGrad(() => executeGraph(graph, [x]))[0],
        noGrad(() => model.forward(x) as Tensor),
      ),
    ).toBeLessThan(2e-6);
    const quantized = await quantize(model, [x]);
    const lowered = await lower(quantized.graph);
    expect(
      relativeError(
        noGrad(() => executeGraph(lowered, [x]))[0],
        noGrad(() => quantized.eval().forward(x) as Tensor),
      ),
    ).toBeLessThan(1e-5);
    // One constant of codes serves both.
    expect(typesOf(lowered.nodes).filter((type) => type === 'Convert')).toHaveLength(1);
  });
});
