/** Running files by the names of inputs and outputs. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { saveModel, serializeModel } from '../../src/ir/writer.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { InferenceSession } from '../../src/runtime/inferenceSession.js';
import { ones, randn } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { useTemporaryDirectory } from '../files/directory.js';

const path = useTemporaryDirectory();

class TwoWays extends nn.Module {
  left = new nn.Linear(3, 2);
  right = new nn.Linear(4, 2);

  override forward(a: Tensor, b: Tensor): { sum: Tensor; left: Tensor } {
    const left = this.left.forward(a);
    return { sum: add(left, this.right.forward(b)), left };
  }
}

const inputs = [randn([2, 3]), randn([2, 4])];

describe('an inference session', () => {
  it('gives the outputs by name', async () => {
    const model = new TwoWays();
    await saveModel(model, path('two.xml'), { inputs, inputNames: ['a', 'b'] });
    const session = await InferenceSession.create(path('two.xml'));
    expect(session.inputs).toEqual([
      { name: 'a', shape: [-1, 3], dtype: 'float32' },
      { name: 'b', shape: [-1, 4], dtype: 'float32' },
    ]);
    expect(session.outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['sum', [-1, 2]],
      ['left', [-1, 2]],
    ]);
    const results = await session.run({ b: inputs[1], a: inputs[0] });
    const expected = noGrad(() => model.forward(inputs[0], inputs[1]));
    expect(results.sum.dataSync()).toEqual(expected.sum.dataSync());
    expect(results.left.dataSync()).toEqual(expected.left.dataSync());
    expect(results.sum.requiresGrad).toBe(false);
  });

  it('names inputs that are missing, unknown or of another shape', async () => {
    const files = await serializeModel(new TwoWays(), { inputs });
    const session = await InferenceSession.create(files);
    await expect(session.run({ input_0: inputs[0], other: inputs[1] })).rejects.toMatchObject({
      code: 'INPUT_NAMES',
      details: { missing: ['input_1'], unknown: ['other'] },
    });
    await expect(session.run({ input_0: inputs[0], input_1: ones([2, 5]) })).rejects.toMatchObject({
      code: 'INPUT_MISMATCH',
    });
  });
});
