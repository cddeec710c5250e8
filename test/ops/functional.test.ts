/** The functional interface: its names, and the operations that a recording of each function holds. */
import { describe, expect, it } from 'vitest';
import type { Recorder } from '../../src/autograd/dispatch.js';
import type { OperationDefinition } from '../../src/autograd/operation.js';
import * as F from '../../src/ops/functional.js';
import { referenceBackend } from '../../src/tensor/backend.js';
import { ones, zeros } from '../../src/tensor/create.js';
import { DYNAMIC } from '../../src/tensor/shape.js';
import { Tensor } from '../../src/tensor/tensor.js';

/** Writes down the types of the operations that are recorded. */
class TypeRecorder implements Recorder {
  readonly types: string[] = [];

  place(): string {
    return 'a test';
  }

  input(shape: readonly number[]): Tensor {
    return new Tensor(null, shape, 'float32', referenceBackend(), this);
  }

  record(definition: OperationDefinition<never>, inputs: readonly Tensor[], attributes: unknown): Tensor[] {
    this.types.push(definition.type);
    return definition
      .infer(inputs, attributes as never)
      .map(({ shape, dtype }) => new Tensor(null, shape, dtype, referenceBackend(), this));
  }
}

const image = [DYNAMIC, 4, 8, 8];

const recordings: [string, (x: Tensor) => Tensor, string[], number[]][] = [
  ['conv2d', (x) => F.conv2d(x, zeros([6, 4, 3, 3]), null, { padding: 1 }), ['Convolution'], [DYNAMIC, 6, 8, 8]],
  ['conv2d with bias', (x) => F.conv2d(x, zeros([6, 4, 3, 3]), zeros([6])), ['Convolution', 'Add'], [DYNAMIC, 6, 6, 6]],
  [
    'conv2d in groups',
    (x) => F.conv2d(x, zeros([6, 2, 1, 1]), null, { groups: 2 }),
    ['GroupConvolution'],
    [DYNAMIC, 6, 8, 8],
  ],
  [
    'convTranspose2d',
    (x) => F.convTranspose2d(x, zeros([4, 3, 2, 2]), null, { stride: 2 }),
    ['ConvolutionBackpropData'],
    [DYNAMIC, 3, 16, 16],
  ],
  [
    'convTranspose2d in groups',
    (x) => F.convTranspose2d(x, zeros([4, 3, 2, 2]), zeros([6]), { groups: 2 }),
    ['GroupConvolutionBackpropData', 'Add'],
    [DYNAMIC, 6, 9, 9],
  ],
  ['linear', (x) => F.linear(F.flatten(x, 1), zeros([5, 256]), zeros([5])), ['Reshape', 'MatMul', 'Add'], [DYNAMIC, 5]],
  ['maxPool2d', (x) => F.maxPool2d(x, 2), ['MaxPool'], [DYNAMIC, 4, 4, 4]],
  ['avgPool2d', (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1 }), ['AvgPool'], [DYNAMIC, 4, 4, 4]],
  [
    'avgPool2d in ceil mode with padding that counts',
    (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true }),
    ['Pad', 'AvgPool'],
    [DYNAMIC, 4, 5, 5],
  ],
  ['global average pool', (x) => F.adaptiveAvgPool2d(x, 1), ['ReduceMean'], [DYNAMIC, 4, 1, 1]],
  ['adaptiveAvgPool2d', (x) => F.adaptiveAvgPool2d(x, [2, 3]), ['AdaptiveAvgPool'], [DYNAMIC, 4, 2, 3]],
  ['layerNorm', (x) => F.layerNorm(x, 8, ones([8]), zeros([8])), ['MVN', 'Multiply', 'Add'], image],
  [
    'batchNorm, training or not',
    (x) => F.batchNorm(x, zeros([4]), ones([4]), ones([4]), zeros([4]), { training: true }),
    ['BatchNormInference'],
    image,
  ],
  ['dropout, training or not', (x) => F.dropout(x, 0.5, { training: false }), ['Dropout'], image],
  ['interpolate', (x) => F.interpolate(x, { scaleFactor: 2 }), ['Interpolate'], [DYNAMIC, 4, 16, 16]],
  ['softmax', (x) => F.softmax(x), ['SoftMax'], image],
  ['logSoftmax', (x) => F.logSoftmax(x, 1), ['LogSoftmax'], image],
  ['relu6', (x) => F.relu6(x), ['Clamp'], image],
  ['fakeQuantize', (x) => F.fakeQuantize(x, zeros([]), ones([]), zeros([]), ones([]), 256), ['FakeQuantize'], image],
  [
    'symmetricFakeQuantize',
    (x) => F.symmetricFakeQuantize(x, ones([1]), { levelLow: 0, levelHigh: 255 }),
    ['SymmetricFakeQuantize'],
    image,
  ],
];

describe('a recording', () => {
  it.each(recordings)('of %s holds its operations, with the batch still open', (_name, run, types, shape) => {
    const recorder = new TypeRecorder();
    const y = run(recorder.input(image));
    expect(recorder.types).toEqual(types);
    expect(y.shape).toEqual(shape);
  });
});

describe('the functional interface', () => {
  it("has PyTorch's names", () => {
    const names =
      'conv2d convTranspose2d linear matMul batchNorm layerNorm maxPool2d avgPool2d adaptiveAvgPool2d relu relu6 clamp ' +
      'leakyRelu elu sigmoid tanh gelu silu hardswish hardsigmoid softplus mish softmax logSoftmax interpolate dropout ' +
      'embedding crossEntropy nllLoss mseLoss l1Loss smoothL1Loss huberLoss binaryCrossEntropyWithLogits klDiv add sub ' +
      'mul div pow exp log sqrt abs sum mean max min variance concat cat stack split slice pad gather where flatten ' +
      'reshape transpose permute squeeze unsqueeze eq ne lt le gt ge';
    const functions = F as unknown as Record<string, unknown>;
    for (const name of names.split(' ')) expect([name, typeof functions[name]]).toEqual([name, 'function']);
  });
});
