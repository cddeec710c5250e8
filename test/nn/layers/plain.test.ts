import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/errors.js';
import * as nn from '../../../src/nn/index.js';
import { clamp, relu6 } from '../../../src/ops/elementwise/clamp.js';
import { elu } from '../../../src/ops/elementwise/elu.js';
import { gelu } from '../../../src/ops/elementwise/gelu.js';
import { hsigmoid } from '../../../src/ops/elementwise/hsigmoid.js';
import { hswish } from '../../../src/ops/elementwise/hswish.js';
import { mish } from '../../../src/ops/elementwise/mish.js';
import { leakyRelu } from '../../../src/ops/elementwise/prelu.js';
import { relu } from '../../../src/ops/elementwise/relu.js';
import { sigmoid } from '../../../src/ops/elementwise/sigmoid.js';
import { softplus } from '../../../src/ops/elementwise/softplus.js';
import { silu } from '../../../src/ops/elementwise/swish.js';
import { tanh } from '../../../src/ops/elementwise/tanh.js';
import { adaptiveAvgPool2d } from '../../../src/ops/neural/adaptiveAvgPool.js';
import { avgPool2d } from '../../../src/ops/neural/avgPool.js';
import { interpolate } from '../../../src/ops/neural/interpolate.js';
import { logSoftmax } from '../../../src/ops/neural/logSoftmax.js';
import { maxPool2d } from '../../../src/ops/neural/maxPool.js';
import { softmax } from '../../../src/ops/neural/softmax.js';
import { manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { data, errorOf, expectSame } from '../models.js';

type Layer = nn.Module & { forward(x: Tensor): Tensor };

const x = data([2, 3, 6, 7]).mul(4);

describe('layers without parameters', () => {
  it.each<[string, Layer, (x: Tensor) => Tensor]>([
    ['ReLU', new nn.ReLU(), relu],
    ['ReLU6', new nn.ReLU6(), relu6],
    ['LeakyReLU', new nn.LeakyReLU(), (t) => leakyRelu(t, 0.01)],
    ['LeakyReLU(0.2)', new nn.LeakyReLU(0.2), (t) => leakyRelu(t, 0.2)],
    ['Hardtanh', new nn.Hardtanh(), (t) => clamp(t, -1, 1)],
    ['Hardtanh(-2, 3)', new nn.Hardtanh(-2, 3), (t) => clamp(t, -2, 3)],
    ['Sigmoid', new nn.Sigmoid(), sigmoid],
    ['Tanh', new nn.Tanh(), tanh],
    ['GELU', new nn.GELU(), (t) => gelu(t)],
    ['GELU(tanh)', new nn.GELU('tanh'), (t) => gelu(t, 'tanh')],
    ['SiLU', new nn.SiLU(), silu],
    ['Mish', new nn.Mish(), mish],
    ['Softplus', new nn.Softplus(), softplus],
    ['Hardswish', new nn.Hardswish(), hswish],
    ['Hardsigmoid', new nn.Hardsigmoid(), hsigmoid],
    ['ELU(0.5)', new nn.ELU(0.5), (t) => elu(t, 0.5)],
    ['Softmax', new nn.Softmax(), (t) => softmax(t, 3)],
    ['Softmax(1)', new nn.Softmax(1), (t) => softmax(t, 1)],
    ['LogSoftmax(-2)', new nn.LogSoftmax(-2), (t) => logSoftmax(t, 2)],
    ['Identity', new nn.Identity(), (t) => t],
    ['Flatten', new nn.Flatten(), (t) => t.reshape([2, 126])],
    ['Flatten(2)', new nn.Flatten(2), (t) => t.reshape([2, 3, 42])],
    ['Flatten(0, 1)', new nn.Flatten(0, 1), (t) => t.reshape([6, 6, 7])],
    ['MaxPool2d(2)', new nn.MaxPool2d(2), (t) => maxPool2d(t, 2)],
    [
      'MaxPool2d with options',
      new nn.MaxPool2d([3, 2], { stride: 2, padding: 1, dilation: [1, 2], ceilMode: true }),
      (t) => maxPool2d(t, [3, 2], { stride: 2, padding: 1, dilation: [1, 2], ceilMode: true }),
    ],
    ['AvgPool2d(3)', new nn.AvgPool2d(3), (t) => avgPool2d(t, 3)],
    [
      'AvgPool2d with options',
      new nn.AvgPool2d(3, { stride: [1, 2], padding: 1, ceilMode: true, countIncludePad: false }),
      (t) => avgPool2d(t, 3, { stride: [1, 2], padding: 1, ceilMode: true, countIncludePad: false }),
    ],
    ['AdaptiveAvgPool2d', new nn.AdaptiveAvgPool2d([2, 3]), (t) => adaptiveAvgPool2d(t, [2, 3])],
    ['Upsample by factor', new nn.Upsample({ scaleFactor: 2 }), (t) => interpolate(t, { scaleFactor: 2 })],
    [
      'Upsample to size',
      new nn.Upsample({ size: [9, 5], mode: 'bilinear', alignCorners: true }),
      (t) => interpolate(t, { size: [9, 5], mode: 'bilinear', alignCorners: true }),
    ],
  ])('%s computes what its function does', (_name, layer, expected) => {
    expect(layer.parameters()).toEqual([]);
    expectSame(layer.forward(x), expected(x));
    expectSame(layer.eval().forward(x), expected(x));
  });

  it.each<[() => nn.Module, RegExp]>([
    [() => new nn.ReLU({ inplace: true } as unknown as Record<string, never>), /ReLU has no option 'inplace'/],
    [() => new nn.LeakyReLU(Number.NaN), /negativeSlope is NaN/],
    [() => new nn.Hardtanh(2, 1), /max is 1; it must be a finite number of at least 2/],
    [() => new nn.GELU('none' as 'erf'), /'erf' or 'tanh'/],
    [() => new nn.Softmax(0.5), /axis is 0.5/],
    [() => new nn.Dropout(1.5), /probability is 1.5; it must be a finite number from 0 to 1/],
    [() => new nn.MaxPool2d(2, { padding: 2 }), /more than half/],
    [() => new nn.MaxPool2d(2, { ceil_mode: true } as object), /'ceilMode'/],
    [() => new nn.AvgPool2d(2, { stride: 0 }), /stride is 0/],
    [() => new nn.AvgPool2d(2, { dilation: 2 } as object), /no option 'dilation'/],
    [() => new nn.AdaptiveAvgPool2d(0), /outputSize is 0/],
    [() => new nn.Upsample({}), /either size or scaleFactor/],
    [() => new nn.Upsample({ size: 2, scaleFactor: 2 }), /not both/],
    [() => new nn.Upsample({ size: 2, mode: 'cubic' as 'nearest' }), /Upsample: mode 'cubic'/],
    [() => new nn.PReLU(0), /numParameters is 0/],
  ])('bad arguments are errors where the layer is made (%#)', (make, message) => {
    const error = errorOf(make);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toMatch(message);
  });
});

describe('PReLU', () => {
  it('has a trained slope per channel', () => {
    const layer = new nn.PReLU(3, 0.5);
    expectSame(layer.forward(x), leakyRelu(x, 0.5));
    layer.forward(x).sum().backward();
    expectSame(layer.weight.grad, clamp(x, -1e9, 0).sum([0, 2, 3]), 1e-5);
  });
});

describe('Dropout', () => {
  it('drops and scales while training only, from the default generator', () => {
    const layer = new nn.Dropout(0.25);
    const ones = x.mul(0).add(1);
    manualSeed(5);
    const first = layer.forward(ones);
    const values = first.dataSync();
    expect(values.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-6)).toBe(true);
    const dropped = values.filter((value) => value === 0).length / values.length;
    expect(dropped).toBeGreaterThan(0.12);
    expect(dropped).toBeLessThan(0.38);
    expect(layer.forward(ones).dataSync()).not.toEqual(values);
    manualSeed(5);
    expect(layer.forward(ones).dataSync()).toEqual(values);
    expectSame(layer.eval().forward(ones), ones);
  });
});
