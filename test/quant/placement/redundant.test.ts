/** Quantizers that another one has made superfluous. */
import { describe, expect, it } from 'vitest';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import { buildOperators, firstNode, lastNode, type Operator } from '../../../src/quant/placement/operators.js';
import { dropRedundant } from '../../../src/quant/placement/redundant.js';
import type { PropagatingQuantizer } from '../../../src/quant/placement/solver.js';
import type { QuantizerConfig } from '../../../src/quant/spec.js';
import { CPU_TARGET } from '../../../src/quant/targets/cpu.js';
import { zeros } from '../../../src/tensor/create.js';

const network = new nn.Sequential(new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten(2), new nn.Linear(4, 2));
const { graph } = trace(network, [zeros([1, 2, 4, 4])]);
const operators = buildOperators(graph, CPU_TARGET, new Set());
const operatorOf = (type: string): Operator => {
  const found = operators.find((operator) => firstNode(operator).type === type);
  if (!found) throw new Error(`There is no ${type} in ${operators.map((operator) => lastNode(operator).name).join()}`);
  return found;
};

const perTensor: QuantizerConfig = { mode: 'symmetric', bits: 8, perChannel: false, narrowRange: false };
const quantizer = (location: PropagatingQuantizer['location'], config = perTensor): PropagatingQuantizer => ({
  ...{ configs: [config], sinks: [], distance: 0, group: null, location },
});
const behind = (type: string, config?: QuantizerConfig) =>
  quantizer({ kind: 'output', operator: operatorOf(type) }, config);
const inFrontOf = (type: string, config?: QuantizerConfig) =>
  quantizer({ kind: 'input', input: operatorOf(type).inputs[0] }, config);

describe('dropRedundant', () => {
  it('drops a quantizer behind the same one, past operations that leave values unchanged', () => {
    const upper = behind('ReLU');
    for (const lower of [behind('MaxPool'), behind('Reshape'), inFrontOf('MatMul'), inFrontOf('MaxPool')])
      expect(dropRedundant([upper, lower])).toEqual([upper]);
    const onTheWay = inFrontOf('Reshape');
    expect(dropRedundant([onTheWay, inFrontOf('MatMul')])).toEqual([onTheWay]);
  });

  it('drops an asymmetric one behind a symmetric one, and a per-channel one behind a per-tensor one', () => {
    const upper = behind('ReLU');
    for (const config of [
      { ...perTensor, mode: 'asymmetric' as const },
      { ...perTensor, perChannel: true },
    ])
      expect(dropRedundant([upper, inFrontOf('MatMul', config)])).toEqual([upper]);
  });

  it('keeps one with another grid', () => {
    const configs: QuantizerConfig[] = [
      { ...perTensor, bits: 4 },
      { ...perTensor, narrowRange: true },
    ];
    for (const config of configs) {
      const both = [behind('ReLU'), inFrontOf('MatMul', config)];
      expect(dropRedundant(both)).toEqual(both);
    }
    const finer = [behind('ReLU', { ...perTensor, perChannel: true }), inFrontOf('MatMul')];
    expect(dropRedundant(finer)).toEqual(finer);
    const symmetric = [behind('ReLU', { ...perTensor, mode: 'asymmetric' }), inFrontOf('MatMul')];
    expect(dropRedundant(symmetric)).toEqual(symmetric);
  });

  it('keeps one behind an operation that changes values', () => {
    const both = [behind('Parameter'), behind('ReLU')];
    expect(dropRedundant(both)).toEqual(both);
    const past = [behind('Parameter'), inFrontOf('MatMul')];
    expect(dropRedundant(past)).toEqual(past);
  });
});
