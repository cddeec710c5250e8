/** Which quantizers are brought back together. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { concat } from '../../../src/ops/functional.js';
import { quantizerGroups } from '../../../src/quant/accuracy/groups.js';
import { quantize } from '../../../src/quant/quantize.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { images, SmallNet } from '../models.js';
import { SharedConvolution } from '../sharedConvolution.js';
import { groupInputs, groupNets } from './oracle/nets.js';

const expected: Record<string, { quantizers: string[]; operations: string[] }[]> = JSON.parse(
  readFileSync(new URL('./oracle/groups.json', import.meta.url), 'utf8'),
);

const data = images(2);
const names = async (model: nn.Module): Promise<{ quantizers: string[]; operations: string[] }[]> => {
  const { graph } = await quantize(model.eval(), data);
  return quantizerGroups(graph).map(({ quantizers, operations }) => ({
    quantizers: quantizers.map(({ name }) => name),
    operations: operations.map(({ name }) => name),
  }));
};

describe('groups of quantizers', () => {
  it.each(Object.keys(groupNets()))('are those of NNCF, in its order: %s', async (name) => {
    const { graph } = await quantize(groupNets()[name].eval(), groupInputs());
    const found = quantizerGroups(graph).map(({ quantizers, operations }) => ({
      quantizers: quantizers.map((node) => node.name).sort(),
      operations: operations.map((node) => node.name).sort(),
    }));
    expect(found).toEqual(expected[name]);
  });

  it('are those of an operation’s data and weights in a chain, the last operation first', async () => {
    const chain = new nn.Sequential(new nn.Conv2d(2, 3, 3), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Conv2d(3, 2, 1));
    expect(await names(chain)).toEqual([
      { quantizers: ['1/ReLU/fq_output_0', '3/Convolution/fq_weights_1'], operations: ['3/Convolution'] },
      { quantizers: ['input/fq_output_0', '0/Convolution/fq_weights_1'], operations: ['0/Convolution'] },
    ]);
  });

  it('reach over a residual connection: all that the shared values feed', async () => {
    const groups = await names(new SmallNet());
    const residual = groups.find(({ operations }) => operations.includes('block/0/Convolution'));
    expect(residual?.operations).toContain('Add');
    expect(residual?.quantizers).toEqual(
      expect.arrayContaining(['relu/ReLU/fq_output_0', 'block/0/Convolution/fq_weights_1']),
    );
  });

  it('hold each quantizer once', async () => {
    const all = (await names(new SmallNet())).flatMap(({ quantizers }) => quantizers);
    expect(new Set(all).size).toBe(all.length);
    const model = await quantize(new SmallNet().eval(), data);
    expect(all.sort()).toEqual(model.quantizers.map(({ name }) => name).sort());
  });

  it('of a concat are together', async () => {
    class Joined extends nn.Module {
      readonly first = new nn.Conv2d(2, 2, 1);
      readonly second = new nn.Conv2d(2, 2, 1);
      readonly last = new nn.Conv2d(4, 2, 1);
      override forward(x: Tensor): Tensor {
        const parts = [this.first.forward(x), this.second.forward(x)] as Tensor[];
        return this.last.forward(concat(parts, 1)) as Tensor;
      }
    }
    const [last, ...others] = await names(new Joined());
    expect(last.operations).toEqual(['last/Convolution']);
    expect(last.quantizers.length).toBe(3);
    // Both convolutions read one quantized input.
    expect(others).toHaveLength(1);
    expect(others[0].operations).toEqual(['first/Convolution', 'second/Convolution']);
  });

  it('of weights that several layers use are together', async () => {
    const groups = await names(new SharedConvolution());
    const shared = groups.find(({ quantizers }) => quantizers.includes('conv/Convolution/fq_weights_1'));
    expect(shared?.operations).toEqual(expect.arrayContaining(['conv/Convolution', 'conv/Convolution_1']));
  });

  it('leave out quantizers that are off', async () => {
    const model = await quantize(new SmallNet().eval(), data);
    model.disableQuantization();
    expect(quantizerGroups(model.graph)).toEqual([]);
    model.quantizer('fc/MatMul/fq_weights_1').enable();
    const [group] = quantizerGroups(model.graph);
    expect(group.quantizers.map(({ name }) => name)).toEqual(['fc/MatMul/fq_weights_1']);
  });

  it('take in both operands of an addition', async () => {
    class Sum extends nn.Module {
      readonly left = new nn.Conv2d(2, 2, 1);
      readonly right = new nn.Conv2d(2, 2, 1);
      override forward(x: Tensor): Tensor {
        return add(this.left.forward(x) as Tensor, this.right.forward(x) as Tensor);
      }
    }
    const groups = await names(new Sum());
    const sum = groups.find(({ operations }) => operations.includes('Add'));
    expect(sum?.quantizers.every((name) => name.includes('fq_output') || name.includes('fq_input'))).toBe(true);
    expect(sum?.quantizers.length).toBeGreaterThanOrEqual(1);
  });
});
