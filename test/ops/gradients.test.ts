/** Every operation's gradient rule against finite differences. */

import { describe, expect, it } from 'vitest';
import type { OperationDefinition } from '../../src/autograd/operation.js';
import { TapeNode } from '../../src/autograd/tape.js';
import { OPERATIONS } from '../../src/ops/operations.js';
import { ASYMMETRIC_FAKE_QUANTIZE } from '../../src/ops/quantization/asymmetricFakeQuantize.js';
import { FAKE_QUANTIZE } from '../../src/ops/quantization/openvinoFakeQuantize.js';
import { QUANTIZE_DEQUANTIZE } from '../../src/ops/quantization/quantizeDequantize.js';
import { SYMMETRIC_FAKE_QUANTIZE } from '../../src/ops/quantization/symmetricFakeQuantize.js';
import { TRAINING_RULES } from '../../src/ops/trainingRules.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { CASES } from './cases/index.js';
import type { CheckedOperation } from './cases/operationCase.js';
import { checkGradients } from './gradientCheck.js';

/** Names of the operations that a result was computed with. */
function operationsBehind(results: Tensor | readonly Tensor[]): Set<string> {
  const names = new Set<string>();
  const seen = new Set<TapeNode>();
  const visit = (node: TapeNode | null): void => {
    if (!node || seen.has(node)) return;
    seen.add(node);
    names.add(node.name);
    for (const edge of node.edges) visit(edge.node);
  };
  for (const { gradientNode } of [results].flat() as Tensor[]) {
    if (gradientNode instanceof TapeNode) visit(gradientNode);
  }
  return names;
}

describe('gradients of operations agree with finite differences', () => {
  for (const { operation, name, inputs, run, ...options } of CASES) {
    it(`${operation.type}: ${name}`, () => {
      for (const seed of [1, 2]) {
        const drawn = inputs(new Generator(seed));
        if (operation.saves) expect(operationsBehind(run(...drawn))).toContain(operation.type);
        checkGradients(run, drawn, options);
      }
    });
  }
});

/** Their gradients are not derivatives on purpose (straight-through); test/ops/quantization compares them with NNCF's. */
const STRAIGHT_THROUGH: readonly CheckedOperation[] = [
  ASYMMETRIC_FAKE_QUANTIZE,
  FAKE_QUANTIZE,
  QUANTIZE_DEQUANTIZE,
  SYMMETRIC_FAKE_QUANTIZE,
];

it('every differentiable operation has a gradient case', () => {
  const covered = new Set<CheckedOperation>([...CASES.map(({ operation }) => operation), ...STRAIGHT_THROUGH]);
  const missing = OPERATIONS.filter(
    (definition) => (definition.saves || definition.decompose) && !covered.has(definition),
  );
  expect(missing.map(({ type }) => type)).toEqual([]);
});

it('every operation with a gradient has its rule among those of graphs, and no other has one', () => {
  for (const definition of OPERATIONS as readonly OperationDefinition[]) {
    const rule = TRAINING_RULES.gradientOf(definition);
    expect([definition.type, rule !== undefined]).toEqual([definition.type, definition.saves !== undefined]);
  }
});
