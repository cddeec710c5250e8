/** Models and comparisons that several tests use. */
import { expect } from 'vitest';
import { QuantGradError } from '../../src/errors.js';
import * as nn from '../../src/nn/index.js';
import { randn } from '../../src/tensor/create.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** Values of the standard normal distribution, the same for the same seed. */
export const data = (shape: readonly number[], seed = 1): Tensor => randn(shape, { generator: new Generator(seed) });

/** Checks two tensors for equal values to within rounding. */
export function expectSame(actual: unknown, expected: Tensor, tolerance = 1e-6): void {
  const tensor = actual as Tensor;
  expect(tensor.shape).toEqual(expected.shape);
  const values = Array.from(expected.dataSync());
  const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  tensor.dataSync().forEach((value, index) => {
    expect(Math.abs(value - values[index])).toBeLessThanOrEqual(tolerance * scale);
  });
}

/** What `body` throws; it must be one of the library's errors. */
export function errorOf(body: () => unknown): QuantGradError {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(QuantGradError);
    return error as QuantGradError;
  }
  throw new Error('Nothing was thrown.');
}

/** A residual block, as PyTorch's `BasicBlock`. */
export class BasicBlock extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly relu = new nn.ReLU();
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: nn.Sequential | null;

  constructor(inChannels: number, outChannels: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(inChannels, outChannels, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(outChannels);
    this.conv2 = new nn.Conv2d(outChannels, outChannels, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(outChannels);
    this.downsample =
      stride === 1 && inChannels === outChannels
        ? null
        : new nn.Sequential(
            new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false }),
            new nn.BatchNorm2d(outChannels),
          );
  }

  override forward(x: Tensor): Tensor {
    const y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    const shortcut = this.downsample ? this.downsample.forward(x) : x;
    return this.relu.forward(this.bn2.forward(this.conv2.forward(y)).add(shortcut));
  }
}

/** A small residual network for images [N, 3, 16, 16] with the names of torchvision's. */
export class ResNet extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 4, 3, { padding: 1, bias: false });
  readonly bn1 = new nn.BatchNorm2d(4);
  readonly relu = new nn.ReLU();
  readonly maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  readonly layer1 = new nn.Sequential(new BasicBlock(4, 4, 1));
  readonly layer2 = new nn.Sequential(new BasicBlock(4, 8, 2));
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly fc = new nn.Linear(8, 5);

  override forward(x: Tensor): Tensor {
    const stem = this.maxpool.forward(this.relu.forward(this.bn1.forward(this.conv1.forward(x))));
    const features = this.layer2.forward(this.layer1.forward(stem));
    return this.fc.forward(this.avgpool.forward(features).flatten(1));
  }
}
