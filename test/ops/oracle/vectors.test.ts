/** Operations against PyTorch and NNCF, through vectors that make_vectors.py computed once. */
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import { relu6 } from '../../../src/ops/elementwise/clamp.js';
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
import { bceWithLogits } from '../../../src/ops/loss/bceWithLogits.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { huberLoss, smoothL1Loss } from '../../../src/ops/loss/huberLoss.js';
import { klDivergence } from '../../../src/ops/loss/klDivergence.js';
import { l1Loss } from '../../../src/ops/loss/l1Loss.js';
import { mseLoss } from '../../../src/ops/loss/mseLoss.js';
import { nllLoss } from '../../../src/ops/loss/nllLoss.js';
import { adaptiveAvgPool2d } from '../../../src/ops/neural/adaptiveAvgPool.js';
import { avgPool2d } from '../../../src/ops/neural/avgPool.js';
import { batchNorm } from '../../../src/ops/neural/batchNorm.js';
import { conv2d, convTranspose2d } from '../../../src/ops/neural/conv2d.js';
import { interpolate } from '../../../src/ops/neural/interpolate.js';
import { linear } from '../../../src/ops/neural/linear.js';
import { logSoftmax } from '../../../src/ops/neural/logSoftmax.js';
import { matMul } from '../../../src/ops/neural/matMul.js';
import { maxPool2dWithIndices } from '../../../src/ops/neural/maxPool.js';
import { layerNorm } from '../../../src/ops/neural/mvn.js';
import { softmax } from '../../../src/ops/neural/softmax.js';
import { asymmetricFakeQuantize } from '../../../src/ops/quantization/asymmetricFakeQuantize.js';
import { symmetricFakeQuantize } from '../../../src/ops/quantization/symmetricFakeQuantize.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { differingBits, relativeError, unpack, VECTORS, type VectorCase } from './vectors.js';

type Tensors = Readonly<Record<string, Tensor>>;
/** Options by PyTorch's names. They differ from case to case: `never` lets each function take those that it knows. */
type Options = Readonly<Record<string, never>>;
type Run = (tensors: Tensors, options: Options) => Tensor | readonly Tensor[];

/** Largest relative error (see `relativeError`), a few float32 roundings: PyTorch adds in another order. */
const TOLERANCE = 5e-7;
/** PyTorch computes the interpolation weights in float32. */
const LOOSER: Readonly<Record<string, number>> = { interpolate: 1e-6 };

const unary =
  (evaluate: (x: Tensor) => Tensor): Run =>
  ({ x }) =>
    evaluate(x);

const poolOptions = ({ stride, padding, dilation, ceil_mode }: Options) => ({
  stride,
  padding,
  dilation,
  ceilMode: ceil_mode,
});
const codes = ({ level_low, level_high }: Options) => ({ levelLow: level_low, levelHigh: level_high });

const RUN: Readonly<Record<string, Run>> = {
  conv2d: ({ x, weight, bias }, options) => conv2d(x, weight, bias, options),
  convTranspose2d: ({ x, weight, bias }, { output_padding, ...options }) =>
    convTranspose2d(x, weight, bias, { ...options, outputPadding: output_padding }),
  linear: ({ x, weight, bias }) => linear(x, weight, bias),
  matMul: ({ a, b }) => matMul(a, b),
  maxPool2d({ x }, options) {
    const { values, indices } = maxPool2dWithIndices(x, options.kernel_size, poolOptions(options));
    return [values, indices];
  },
  avgPool2d({ x }, { kernel_size, stride, padding, ceil_mode, count_include_pad }) {
    return avgPool2d(x, kernel_size, { stride, padding, ceilMode: ceil_mode, countIncludePad: count_include_pad });
  },
  adaptiveAvgPool2d: ({ x }, { output_size }) => adaptiveAvgPool2d(x, output_size),
  batchNorm({ x, weight, bias, mean, variance }, { training, momentum, eps }) {
    return [batchNorm(x, mean, variance, weight, bias, { training, momentum, epsilon: eps }), mean, variance];
  },
  layerNorm: ({ x, weight, bias }, { normalized_shape, eps }) => layerNorm(x, normalized_shape, weight, bias, eps),
  softmax: ({ x }, { axis }) => softmax(x, axis),
  logSoftmax: ({ x }, { axis }) => logSoftmax(x, axis),
  relu: unary(relu),
  relu6: unary(relu6),
  sigmoid: unary(sigmoid),
  tanh: unary(tanh),
  gelu: unary(gelu),
  geluTanh: unary((x) => gelu(x, 'tanh')),
  silu: unary(silu),
  hardswish: unary(hswish),
  hardsigmoid: unary(hsigmoid),
  leakyRelu: unary((x) => leakyRelu(x, 0.1)),
  elu: unary((x) => elu(x, 1.5)),
  softplus: unary(softplus),
  mish: unary(mish),
  interpolate: ({ x }, { size, scale_factor, mode, align_corners }) =>
    interpolate(x, { size, scaleFactor: scale_factor, mode, alignCorners: align_corners }),
  crossEntropy: ({ x, target, weight }, { reduction, label_smoothing, ignore_index }) =>
    crossEntropy(x, target, { weight, reduction, labelSmoothing: label_smoothing, ignoreIndex: ignore_index }),
  nllLoss: ({ x, target, weight }) => nllLoss(x, target, { weight }),
  mseLoss: ({ x, target }, options) => mseLoss(x, target, options),
  l1Loss: ({ x, target }, options) => l1Loss(x, target, options),
  huberLoss: ({ x, target }, options) => huberLoss(x, target, options),
  smoothL1Loss: ({ x, target }, options) => smoothL1Loss(x, target, options),
  bceWithLogits: ({ x, target, weight, pos_weight }, { reduction }) =>
    bceWithLogits(x, target, { weight, posWeight: pos_weight, reduction }),
  klDivergence: ({ x, target }, { reduction, log_target }) =>
    klDivergence(x, target, { reduction, logTarget: log_target }),
  symmetricFakeQuantize: ({ x, scale }, options) => symmetricFakeQuantize(x, scale, codes(options)),
  asymmetricFakeQuantize: ({ x, input_low, input_range }, options) =>
    asymmetricFakeQuantize(x, input_low, input_range, codes(options)),
};

/** Outputs and gradients of one case, computed by us. */
function compute({ operation, inputs, options, upstream, gradients = {} }: VectorCase) {
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, packed]) => [name, unpack(packed, name in gradients)]),
  );
  const result = RUN[operation](tensors, options as Options);
  const outputs = [result].flat() as Tensor[];
  if (upstream) backward(outputs[0], { gradient: unpack(upstream) });
  return { tensors, outputs };
}

const byOperation = new Map<string, VectorCase[]>();
for (const each of VECTORS.cases) byOperation.set(each.operation, [...(byOperation.get(each.operation) ?? []), each]);

describe.each([...byOperation])('%s agrees with PyTorch', (operation, cases) => {
  it.each(cases.map((each) => [each.name, each] as const))('%s', (_name, vector) => {
    const { tensors, outputs } = compute(vector);
    const tolerance = LOOSER[operation] ?? TOLERANCE;
    vector.outputs.forEach((expected, index) => {
      expect(relativeError(outputs[index], expected), `output ${index}`).toBeLessThanOrEqual(tolerance);
    });
    for (const [name, expected] of Object.entries(vector.gradients ?? {})) {
      const { grad } = tensors[name];
      if (!grad) throw new Error(`${name} has no gradient`);
      expect(relativeError(grad, expected), `gradient of ${name}`).toBeLessThanOrEqual(tolerance);
    }
  });
});

describe('quantizers agree with NNCF bit for bit', () => {
  const quantizers = VECTORS.cases.filter(({ operation }) => operation.endsWith('FakeQuantize'));

  it.each(quantizers.map((each) => [each.name, each] as const))('%s', (_name, vector) => {
    const { tensors, outputs } = compute(vector);
    expect(differingBits(outputs[0], vector.outputs[0])).toBe(0);
    const gradient = vector.gradients?.x;
    if (!gradient || !tensors.x.grad) throw new Error('x has no gradient');
    expect(differingBits(tensors.x.grad, gradient)).toBe(0);
  });
});
