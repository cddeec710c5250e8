/** The smaller passes: what they change, and that results stay. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { executeGraph } from '../../../src/graph/execute.js';
import type { Graph } from '../../../src/graph/graph.js';
import { trace } from '../../../src/graph/trace.js';
import { lower } from '../../../src/ir/lowering/lower.js';
import { reshapedChannels } from '../../../src/ir/lowering/reshapeDequantization.js';
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { multiply } from '../../../src/ops/elementwise/multiply.js';
import { reshape } from '../../../src/ops/movement/reshape.js';
import { avgPool2d } from '../../../src/ops/neural/avgPool.js';
import { conv2d } from '../../../src/ops/neural/conv2d.js';
import { dropout } from '../../../src/ops/neural/dropout.js';
import { maxPool2d } from '../../../src/ops/neural/maxPool.js';
import { fakeQuantize } from '../../../src/ops/quantization/openvinoFakeQuantize.js';
import { quantize } from '../../../src/quant/index.js';
import { referenceBackend, setDefaultBackend } from '../../../src/tensor/backend.js';
import { randn, tensor } from '../../../src/tensor/create.js';
import { Generator, manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { FunctionModule, relativeError, type TensorFunction } from '../functionModule.js';

// Where lowered graphs are: here they are run beside the models that they come from.
setDefaultBackend(referenceBackend());

/** The lowered graph of a function, after a check that it computes the same. */
async function lowered(run: TensorFunction, ...inputs: Tensor[]): Promise<Graph> {
  const graph = await lower(trace(new FunctionModule(run), inputs).graph);
  const expected = noGrad(() => [run(...inputs)].flat());
  noGrad(() => executeGraph(graph, inputs)).forEach((result, index) => {
    expect(relativeError(result, expected[index])).toBeLessThan(2e-6);
  });
  return graph;
}

const types = (graph: Graph): string[] => graph.nodes.map(({ type }) => type);
const normal = (...shape: number[]): Tensor => randn(shape, { generator: new Generator(5) });

describe('lowering', () => {
  it('drops dropout, and what no output needs', async () => {
    const graph = await lower(
      trace(new nn.Sequential(new nn.Dropout(0.5), new nn.ReLU(), new nn.Identity()), [normal(2, 3)]).graph,
    );
    expect(types(graph)).toEqual(['Parameter', 'ReLU']);
    const symbolic = trace(new FunctionModule((x) => dropout(x)), [normal(2)]).graph;
    expect(types(await lower(symbolic))).toEqual(['Parameter']);
  });

  it('computes constants, under the names of the parameters', async () => {
    const model = new nn.Sequential(new nn.Conv2d(2, 4, 1, { groups: 2 }));
    const graph = await lower(trace(model, [normal(1, 2, 3, 3)]).graph);
    const constants = graph.nodes.filter(({ isConstant }) => isConstant);
    expect(constants.map(({ name }) => name).sort()).toEqual(['0.bias', '0.weight']);
    expect(constants.map(({ outputs }) => outputs[0].type.shape)).toEqual([
      [2, 2, 1, 1, 1],
      [1, 4, 1, 1],
    ]);
  });

  it('does not change the model', async () => {
    const model = new nn.Sequential(new nn.Conv2d(1, 2, 1), new nn.BatchNorm2d(2)).eval();
    const { graph } = trace(model, [normal(1, 1, 2, 2)]);
    const before = graph.nodes.map((node) => [node.name, node.type, node.inputs.length]);
    await lower(graph);
    expect(graph.nodes.map((node) => [node.name, node.type, node.inputs.length])).toEqual(before);
  });

  it('lets pools round down, with padding for what rounding up adds', async () => {
    const options = fc.record({
      height: fc.integer({ min: 4, max: 9 }),
      width: fc.integer({ min: 4, max: 9 }),
      kernel: fc.integer({ min: 2, max: 4 }),
      stride: fc.integer({ min: 1, max: 3 }),
      padding: fc.integer({ min: 0, max: 1 }),
      countIncludePad: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(options, async ({ height, width, kernel, stride, padding, countIncludePad }) => {
        const run: TensorFunction = (x) => [
          maxPool2d(x, kernel, { stride, padding, ceilMode: true }),
          avgPool2d(x, kernel, { stride, padding, ceilMode: true, countIncludePad }),
        ];
        const graph = await lowered(run, normal(1, 2, height, width));
        for (const node of graph.nodes.filter(({ type }) => type.endsWith('Pool'))) {
          expect(node.attributes).toMatchObject({ roundingType: 'floor' });
        }
      }),
    );
  });

  it('leaves the rounding of pools on images of unknown size', async () => {
    const input = nn.input({ shape: [null, 1, null, null] });
    const model = new nn.Functional({ inputs: input, outputs: new nn.MaxPool2d(2, { ceilMode: true }).apply(input) });
    const { graph } = trace(model, model.inputs, { dynamicBatch: false });
    const pool = (await lower(graph)).nodes.find(({ type }) => type === 'MaxPool');
    expect(pool?.attributes).toMatchObject({ roundingType: 'ceil_torch' });
  });

  it('gives padded 1x1 convolutions with strides a second row', async () => {
    const weights = normal(3, 2, 1, 1);
    for (const padding of [1, [1, 0, 0, 1], 'same' as const]) {
      const graph = await lowered((x) => conv2d(x, weights, null, { stride: 2, padding }), normal(2, 2, 6, 5));
      const convolution = graph.nodes.find(({ type }) => type === 'Convolution');
      expect(convolution?.inputs[1].type.shape).toEqual([3, 2, padding === 'same' ? 1 : 2, 1]);
    }
    await lowered((x) => conv2d(x, weights, null, { stride: 2, padding: 1, dilation: 2 }), normal(2, 2, 6, 5));
    const untouched = await lowered((x) => conv2d(x, weights, null, { stride: 2 }), normal(2, 2, 6, 5));
    expect(untouched.nodes.find(({ type }) => type === 'Convolution')?.inputs[1].type.shape).toEqual([3, 2, 1, 1]);
  });

  it('widens quantized weights too', async () => {
    manualSeed(1);
    const model = await quantize(new nn.Sequential(new nn.Conv2d(2, 3, 1, { stride: 2, padding: 1 })).eval(), [
      normal(2, 2, 5, 5),
    ]);
    const graph = await lower(model.graph);
    const codes = graph.nodes.find(({ outputs }) => outputs[0].type.dtype === 'int8');
    expect(codes?.outputs[0].type.shape).toEqual([3, 2, 2, 1]);
    const x = normal(2, 2, 5, 5);
    const expected = noGrad(() => model.eval().forward(x) as Tensor);
    expect(relativeError(noGrad(() => executeGraph(graph, [x]))[0], expected)).toBeLessThan(2e-6);
  });

  it('keeps the rounding between a convolution and an addition', async () => {
    const weights = normal(2, 2, 1, 1);
    const limits = (low: number, high: number) => [tensor(low), tensor(high), tensor(low), tensor(high)] as const;
    const quantized = (x: Tensor) => fakeQuantize(x, ...limits(-2, 2), 256);
    const added = await lowered((x) => add(quantized(conv2d(x, weights)), x), normal(1, 2, 3, 3));
    expect(types(added)).toContain('PReLU');
    const alone = await lowered((x) => quantized(conv2d(x, weights)), normal(1, 2, 3, 3));
    expect(types(alone)).not.toContain('PReLU');
  });

  it('keeps average pools in float whose padding counts where values may be negative', async () => {
    const limits = (low: number) => [tensor(low), tensor(2), tensor(low), tensor(2)] as const;
    const pooled = (low: number, countIncludePad: boolean) =>
      lowered(
        (x) => avgPool2d(fakeQuantize(x, ...limits(low), 256), 3, { padding: 1, countIncludePad }),
        normal(1, 2, 5, 5),
      );
    expect(types(await pooled(-2, true))).toContain('PReLU');
    expect(types(await pooled(0, true))).not.toContain('PReLU');
    expect(types(await pooled(-2, false))).not.toContain('PReLU');
  });
});

describe('reshaping parameters per channel', () => {
  it('follows the axis of the channels', () => {
    expect(reshapedChannels([6, 1, 1, 1], [6, 2, 3, 3], [2, 3, 2, 3, 3])).toEqual([2, 3, 1, 1, 1]);
    expect(reshapedChannels([1, 3, 1, 1], [4, 3, 2, 2], [2, 2, 3, 2, 2])).toEqual([1, 1, 3, 1, 1]);
    expect(reshapedChannels([4, 1, 1, 1], [4, 1, 3, 3], [4, 1, 1, 3, 3])).toEqual([4, 1, 1, 1, 1]);
    expect(reshapedChannels([1], [4, 1, 3, 3], [4, 9])).toEqual([]);
    expect(reshapedChannels([4, 1], [4, 6], [24])).toBeNull();
    expect(reshapedChannels([1, 6], [4, 6], [24])).toBeNull();
  });

  it('keeps products, whatever the reshape', () => {
    const extents = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(extents, extents, fc.nat(), (from, split, choice) => {
        const axis = choice % from.length;
        // Split one axis of `from` into the factors of `split`, others stay.
        const channels = split.reduce((product, extent) => product * extent, 1);
        const shape = from.map((extent, index) => (index === axis ? channels : extent));
        const to = shape.flatMap((extent, index) => (index === axis ? split : [extent]));
        const parameters = shape.map((extent, index) => (index === axis ? extent : 1));
        const target = reshapedChannels(parameters, shape, to);
        expect(target).not.toBeNull();
        const values = normal(...shape);
        const factors = normal(...parameters);
        const scaled = noGrad(() => multiplyAll(reshape(values, to), reshape(factors, target as number[])));
        const before = noGrad(() => multiplyAll(values, factors));
        expect(scaled).toEqual(before);
      }),
    );
  });
});

const multiplyAll = (a: Tensor, b: Tensor): ArrayLike<number> => multiply(a, b).dataSync();
