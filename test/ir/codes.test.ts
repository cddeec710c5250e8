/** The integer codes in a file are those of the last forward pass of training: random networks, presets and bit widths. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { QuantGradError } from '../../src/errors.js';
import { executeGraph } from '../../src/graph/execute.js';
import type { GraphNode, GraphValue } from '../../src/graph/graph.js';
import { parseIr } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import { levelsOf } from '../../src/ops/quantization/quantizeDequantize.js';
import { TRAINING_RULES } from '../../src/ops/trainingRules.js';
import { Adam } from '../../src/optim/adam.js';
import { quantize } from '../../src/quant/quantize.js';
import type { Quantizer } from '../../src/quant/quantizer.js';
import { channelIndex } from '../../src/quant/quantizerGrid.js';
import { randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { programArbitrary, RandomNet } from '../quant/placement/randomNet.js';

const SHAPE = [2, 4, 6, 6];

const cases = fc.record({
  program: programArbitrary(10),
  preset: fc.constantFrom('performance' as const, 'mixed' as const),
  bits: fc.record({ weights: fc.integer({ min: 2, max: 8 }), activations: fc.integer({ min: 2, max: 8 }) }),
  overflowFix: fc.constantFrom('enable' as const, 'firstLayer' as const, 'disable' as const),
  seed: fc.integer({ min: 1, max: 1000 }),
});

/** The values that a quantizer's grid gives codes: code / ((levels - 1) / range), each step in float32. */
function valuesOfCodes(quantizer: Quantizer, codes: readonly number[], shape: readonly number[]): number[] {
  const range = quantizer.range().range;
  const ranges = range.dataSync();
  const channel = channelIndex(shape, { shape: ranges.length === 1 ? [] : range.shape });
  const inverse = Array.from(ranges, (width) => Math.fround((levelsOf(quantizer.codes) - 1) / width));
  return codes.map((code, index) => Math.fround(code / inverse[channel(index)]));
}

it('are the codes that training computed with, for all weights', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(cases, async ({ program, preset, bits, overflowFix, seed }) => {
      manualSeed(seed);
      const generator = new Generator(seed);
      const net = new RandomNet(program);
      const batch = (): Tensor => randn(SHAPE, { generator });
      const data = [batch(), batch()];
      const options = { preset, bits, overflowFix, fastBiasCorrection: seed % 2 === 0 };
      const model = await quantize(net.eval(), data, options).catch((error: QuantGradError) => {
        if (error.code !== 'NOTHING_TO_QUANTIZE') throw error;
        return null;
      });
      if (!model) return fc.pre(false);
      const weights = model.quantizers.filter(({ spec }) => spec.kind === 'weights');
      fc.pre(weights.length > 0);

      model.train();
      model.rangeGuard = 'off';
      const optimizer = new Adam(model.parameters(), { lr: 1e-2 });
      for (const x of data) {
        const [output] = model.forward(x);
        const loss = output.mul(output).mean();
        if (!loss.requiresGrad) continue;
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
      }
      // The last forward pass, looking at what the quantizers of weights gave.
      const seen = new Map<GraphNode, number[]>();
      executeGraph(model.graph, [data[0]], {
        rules: TRAINING_RULES,
        training: true,
        observe: ({ node }: GraphValue, tensor) => {
          if (node.name.includes('/fq_weights_')) seen.set(node, [...tensor.dataSync()]);
        },
      });

      const { xml, bin } = await serializeModel(model);
      const file = parseIr(xml, bin).graph;
      for (const quantizer of weights) {
        const node = model.graph.node(quantizer.name);
        const source = node.inputs[0].node;
        const { tensor } = source.constant;
        const written = file.node(source.name).constant.tensor;
        expect(written.dtype).toBe('int8');
        const codes = Array.from(written.dataSync());
        expect(codes).toEqual(Array.from(quantizer.quantize(tensor).dataSync()));
        expect(valuesOfCodes(quantizer, codes, tensor.shape).map((value) => value + 0)).toEqual(
          (seen.get(node) as number[]).map((value) => value + 0),
        );
        compared++;
      }
    }),
    { numRuns: 25 },
  );
  expect(compared).toBeGreaterThan(20);
}, 60_000);
