/** Codes of weights, also on asymmetric grids and on other backends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { executeGraph } from '../../../src/graph/execute.js';
import type { Graph } from '../../../src/graph/graph.js';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import { type FoundWeights, findDequantization } from '../../../src/ir/lowering/dequantization.js';
import { lower } from '../../../src/ir/lowering/lower.js';
import { parseIr } from '../../../src/ir/reader.js';
import { serializeModel } from '../../../src/ir/writer.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import * as nn from '../../../src/nn/index.js';
import { quantize } from '../../../src/quant/index.js';
import { insertQuantizers } from '../../../src/quant/quantizer.js';
import type { QuantizerSpec } from '../../../src/quant/spec.js';
import { withBackend } from '../../../src/tensor/backend.js';
import { fromValues, randn, tensor } from '../../../src/tensor/create.js';
import { Generator, manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { relativeError } from '../functionModule.js';

const asymmetric: QuantizerSpec = {
  kind: 'weights',
  mode: 'asymmetric',
  bits: 8,
  perChannel: true,
  narrowRange: false,
  signed: false,
};

/** A graph of one matrix product whose weights have an asymmetric quantizer, with ranges from `lows` on. */
function quantizedProduct(weights: Tensor, lows: readonly number[], ranges: readonly number[]): Graph {
  const layer = new nn.Linear(weights.shape[1], weights.shape[0], { bias: false });
  layer.weight.assign_(weights);
  const graph = copyGraph(trace(layer, [{ shape: [1, weights.shape[1]], dtype: 'float32' }]).graph);
  const shape = [weights.shape[0], 1];
  const parameters = [lows, ranges].map((values) => fromValues(Float32Array.from(values), shape, 'float32'));
  insertQuantizers(graph, [{ target: { point: 'weights', node: 'MatMul', port: 1 }, spec: asymmetric, parameters }]);
  return graph;
}

const weightsOf = (graph: Graph): FoundWeights => {
  const [found] = graph.nodes.flatMap((node) => findDequantization(node.outputs[0]) ?? []);
  return found;
};

describe('weights on asymmetric grids', () => {
  it('are int8 codes without zero point where these fit', async () => {
    const graph = quantizedProduct(
      tensor([
        [-1, 0, 0.9],
        [0.3, -0.2, 0.1],
      ]),
      [-1, -0.3],
      [2, 0.6],
    );
    const { codes, zeroPoint } = weightsOf(await lower(graph));
    expect(codes.dtype).toBe('int8');
    expect(zeroPoint).toBeNull();
    expect(Array.from(codes.dataSync()).slice(0, 3)).toEqual([-127, 0, 114]);
  });

  it('are uint8 codes with zero points where a grid lies to one side', async () => {
    const graph = quantizedProduct(
      tensor([
        [0, 1, 2],
        [-1, 0, 0.9],
      ]),
      [0, -1],
      [2, 1.9],
    );
    const { codes, zeroPoint } = weightsOf(await lower(graph));
    expect(codes.dtype).toBe('uint8');
    expect(zeroPoint?.shape).toEqual([2, 1]);
    expect(Array.from(zeroPoint?.dataSync() ?? [])).toEqual([0, 134]);
    expect(Array.from(codes.dataSync()).slice(0, 3)).toEqual([0, 128, 255]);
  });

  it('compute what the quantizer computes, in the file too', async () => {
    const limits = fc.array(
      fc.tuple(fc.double({ min: -3, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 5, noNaN: true })),
      { minLength: 3, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(limits, fc.integer({ min: 0, max: 1e6 }), async (ranges, seed) => {
        const generator = new Generator(seed);
        const weights = randn([3, 4], { generator });
        const graph = quantizedProduct(
          weights,
          ranges.map(([low]) => low),
          ranges.map(([, range]) => range),
        );
        const x = randn([2, 4], { generator });
        const [expected] = noGrad(() => executeGraph(graph, [x]));
        const { xml, bin } = await serializeModel(graph);
        expect(
          relativeError(
            noGrad(() => parseIr(xml, bin).forward(x) as Tensor),
            expected,
          ),
        ).toBeLessThan(1e-6);
      }),
      { numRuns: 40 },
    );
  });
});

describe('models on another backend', () => {
  it('export as from the reference backend', async () => {
    const wasm = await WasmBackend.create();
    const build = async () => {
      manualSeed(4);
      const model = new nn.Sequential(
        new nn.Conv2d(2, 4, 3, { groups: 2 }),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.Flatten(),
        new nn.Linear(36, 3),
      );
      const generator = new Generator(6);
      const quantized = await quantize(model.eval(), [randn([2, 2, 5, 5], { generator })]);
      return { quantized, files: await serializeModel(quantized) };
    };
    const { files: expected } = await build();
    const pending = withBackend(wasm, build);
    const { files } = await pending;
    expect(files.xml).toBe(expected.xml);
    expect(files.bin.length).toBe(expected.bin.length);
  });
});
