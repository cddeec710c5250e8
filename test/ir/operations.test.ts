/** Every operation that has a form in OpenVINO IR survives being written and read. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import type { OperationDefinition } from '../../src/autograd/operation.js';
import { TraceError } from '../../src/errors.js';
import { trace } from '../../src/graph/trace.js';
import { parseIr } from '../../src/ir/reader.js';
import { type ModelFiles, serializeModel } from '../../src/ir/writer.js';
import { abs } from '../../src/ops/elementwise/abs.js';
import { ceiling } from '../../src/ops/elementwise/ceiling.js';
import { clamp } from '../../src/ops/elementwise/clamp.js';
import { cast } from '../../src/ops/elementwise/convert.js';
import { equal } from '../../src/ops/elementwise/equal.js';
import { floor } from '../../src/ops/elementwise/floor.js';
import { greater } from '../../src/ops/elementwise/greater.js';
import { greaterEqual } from '../../src/ops/elementwise/greaterEqual.js';
import { less } from '../../src/ops/elementwise/less.js';
import { lessEqual } from '../../src/ops/elementwise/lessEqual.js';
import { logicalAnd } from '../../src/ops/elementwise/logicalAnd.js';
import { logicalNot } from '../../src/ops/elementwise/logicalNot.js';
import { logicalOr } from '../../src/ops/elementwise/logicalOr.js';
import { notEqual } from '../../src/ops/elementwise/notEqual.js';
import { round } from '../../src/ops/elementwise/round.js';
import { where } from '../../src/ops/elementwise/select.js';
import { sign } from '../../src/ops/elementwise/sign.js';
import { gather } from '../../src/ops/movement/gather.js';
import { pad } from '../../src/ops/movement/pad.js';
import { slice } from '../../src/ops/movement/slice.js';
import { conv2d, convTranspose2d } from '../../src/ops/neural/conv2d.js';
import { maxPool2dWithIndices } from '../../src/ops/neural/maxPool.js';
import { OPERATIONS } from '../../src/ops/operations.js';
import { fakeQuantize } from '../../src/ops/quantization/openvinoFakeQuantize.js';
import { topK } from '../../src/ops/reduction/topK.js';
import { randint, randn, tensor } from '../../src/tensor/create.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { CASES } from '../ops/cases/index.js';
import { FunctionModule, fileOf, list, relativeError, runFile, type TensorFunction } from './functionModule.js';

interface Example {
  readonly name: string;
  readonly inputs: Tensor[];
  readonly run: TensorFunction;
}

const generator = new Generator(3);
const normal = (...shape: number[]): Tensor => randn(shape, { generator });

/** What is not differentiable, or has forms that the gradient cases lack. */
const MORE: Example[] = [
  {
    name: 'comparisons',
    inputs: [normal(3, 4), normal(4)],
    run: (a, b) => [equal(a, b), notEqual(a, b), less(a, b), lessEqual(a, b), greater(a, b), greaterEqual(a, b)],
  },
  {
    name: 'logic',
    inputs: [tensor([[0, 1, 0, 1]], { dtype: 'bool' }), tensor([[0, 0, 1, 1]], { dtype: 'bool' })],
    run: (a, b) => [logicalAnd(a, b), logicalOr(a, b), logicalNot(a)],
  },
  { name: 'steps', inputs: [normal(20)], run: (x) => [floor(x), ceiling(x), round(x), sign(x), abs(x)] },
  {
    name: 'a boolean constant',
    inputs: [normal(2, 3)],
    run: (x) => where(tensor([true, false, true].map(Number), { dtype: 'bool' }), x, 0),
  },
  {
    name: 'integer constants and conversions',
    inputs: [normal(4, 5)],
    run: (x) => [gather(x, tensor([3, -1, 0], { dtype: 'int32' }), 1), cast(cast(x, 'int32'), 'float32')],
  },
  {
    name: 'integer inputs',
    inputs: [randint(0, 7, [2, 3], { generator })],
    run: (indices) =>
      gather(
        tensor([
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
          [9, 10],
          [11, 12],
          [13, 14],
        ]),
        indices,
      ),
  },
  { name: 'an infinite limit', inputs: [normal(8)], run: (x) => clamp(x, -0.3, Number.POSITIVE_INFINITY) },
  {
    name: 'open slices',
    inputs: [normal(5, 6)],
    run: (x) => slice(x, [-2, Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [1, -2]),
  },
  {
    name: 'padding with a value',
    inputs: [randint(-9, 9, [2, 3], { generator })],
    run: (x) => pad(x, [1, 0], [0, 2], { value: 7 }),
  },
  {
    name: 'pool indices',
    inputs: [normal(2, 3, 6, 5)],
    run: (x) => {
      const { values, indices } = maxPool2dWithIndices(x, 2, { stride: 1, ceilMode: true, padding: 1 });
      return [values, indices];
    },
  },
  {
    name: 'the smallest',
    inputs: [normal(3, 7)],
    run: (x) => {
      const { values, indices } = topK(x, 3, { largest: false });
      return [values, indices];
    },
  },
  {
    name: 'same padding',
    inputs: [normal(1, 2, 7, 8), normal(3, 2, 3, 2)],
    run: (x, w) => conv2d(x, w, null, { stride: 2, padding: 'same' }),
  },
  {
    name: 'groups',
    inputs: [normal(2, 4, 5, 5), normal(6, 2, 3, 3), normal(4, 3, 2, 2)],
    run: (x, w, v) => [
      conv2d(x, w, null, { groups: 2, padding: [1, 0, 0, 2] }),
      convTranspose2d(x, v, null, { groups: 2, stride: 2, outputPadding: 1 }),
    ],
  },
  {
    name: 'fake quantization',
    inputs: [normal(2, 3)],
    run: (x) => fakeQuantize(x, tensor(-1), tensor(1), tensor([[-1], [-2]]), tensor([[1], [3]]), 16),
  },
];

/** The gradient cases in float32. */
const EXAMPLES: Example[] = [
  ...CASES.map(({ operation, name, inputs, run }) => ({
    name: `${operation.type}: ${name}`,
    inputs: inputs(new Generator(5)).map((input) =>
      input.dtype === 'float64' ? cast(input.detach(), 'float32') : input,
    ),
    run: run as TensorFunction,
  })),
  ...MORE,
];

/** Whether a graph can hold the example: some read values, and some of the gradient cases are float64 throughout. */
function isExportable({ run, inputs }: Example): boolean {
  try {
    const { nodes } = trace(new FunctionModule(run), inputs, { dynamicBatch: false }).graph;
    return nodes.every(({ outputs }) => outputs.every(({ type }) => type.dtype !== 'float64'));
  } catch (error) {
    if (error instanceof TraceError) return false;
    throw error;
  }
}

const typesOf = ({ run, inputs }: Example): string[] =>
  trace(new FunctionModule(run), inputs, { dynamicBatch: false }).graph.nodes.map(({ type }) => type);

describe('operations in IR', () => {
  const exportable = EXAMPLES.filter(isExportable);

  it.each(exportable)('$name: the same results after writing and reading', async ({ inputs, run }) => {
    const files = await fileOf(run, inputs);
    const expected = noGrad(() => list(run(...inputs)));
    const actual = runFile(files, inputs);
    expect(actual.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
      expected.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    for (const [index, tensor] of expected.entries()) expect(relativeError(actual[index], tensor)).toBeLessThan(1e-5);
  });

  it('cover every operation with a form in IR', () => {
    const covered = new Set(exportable.flatMap(typesOf));
    const expected = (OPERATIONS as readonly OperationDefinition[])
      .filter(({ openvino }) => openvino)
      .map(({ type }) => type);
    expect(expected.filter((type) => !covered.has(type))).toEqual([]);
  });

  it('do not change when they are read and written again', async () => {
    for (const { inputs, run } of exportable) {
      const rewrite = ({ xml, bin }: ModelFiles) => serializeModel(parseIr(xml, bin));
      // The first reading may put independent layers into another order.
      const second = await rewrite(await fileOf(run, inputs));
      expect(await rewrite(second)).toEqual(second);
    }
  });
});
