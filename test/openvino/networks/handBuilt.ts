/** Networks built by hand, one for each way in which models are put together. */
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { concat } from '../../../src/ops/movement/concat.js';
import { flatten } from '../../../src/ops/movement/reshape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import type { Network } from './network.js';

class PlainCnn extends nn.Module {
  conv1 = new nn.Conv2d(3, 8, 3, { padding: 1 });
  conv2 = new nn.Conv2d(8, 12, 3, { stride: 2, padding: 1 });
  relu = new nn.ReLU();
  pool = new nn.MaxPool2d(2);
  fc = new nn.Linear(12 * 4 * 4, 10);

  override forward(x: Tensor): Tensor {
    const features = this.relu.forward(this.conv2.forward(this.relu.forward(this.conv1.forward(x))));
    return this.fc.forward(flatten(this.pool.forward(features), 1));
  }
}

const batchNorm = () =>
  new nn.Sequential(
    new nn.Conv2d(1, 8, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(8),
    new nn.ReLU(),
    new nn.Conv2d(8, 16, 3, { stride: 2, padding: 1 }),
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(16, 5),
  );

class Residual extends nn.Module {
  stem = new nn.Conv2d(3, 8, 3, { padding: 1, bias: false });
  bn0 = new nn.BatchNorm2d(8);
  conv1 = new nn.Conv2d(8, 8, 3, { padding: 1, bias: false });
  bn1 = new nn.BatchNorm2d(8);
  conv2 = new nn.Conv2d(8, 8, 3, { padding: 1, bias: false });
  bn2 = new nn.BatchNorm2d(8);
  relu = new nn.ReLU();
  pool = new nn.AdaptiveAvgPool2d(1);
  fc = new nn.Linear(8, 10);

  override forward(x: Tensor): Tensor {
    const stem = this.relu.forward(this.bn0.forward(this.stem.forward(x)));
    const inner = this.relu.forward(this.bn1.forward(this.conv1.forward(stem)));
    const sum = this.relu.forward(add(this.bn2.forward(this.conv2.forward(inner)), stem));
    return this.fc.forward(flatten(this.pool.forward(sum), 1));
  }
}

const separable = (inChannels: number, outChannels: number, stride: number) => [
  new nn.Conv2d(inChannels, inChannels, 3, { stride, padding: 1, groups: inChannels, bias: false }),
  new nn.BatchNorm2d(inChannels),
  new nn.ReLU6(),
  new nn.Conv2d(inChannels, outChannels, 1, { bias: false }),
  new nn.BatchNorm2d(outChannels),
  new nn.ReLU6(),
];

const depthwise = () =>
  new nn.Sequential(
    new nn.Conv2d(3, 8, 3, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(8),
    new nn.ReLU6(),
    ...separable(8, 16, 1),
    ...separable(16, 16, 2),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(16, 10),
  );

class Concatenated extends nn.Module {
  left = new nn.Conv2d(2, 6, 1);
  right = new nn.Conv2d(2, 4, 3, { padding: 1 });
  last = new nn.Conv2d(10, 8, 3, { padding: [1, 0] });
  relu = new nn.ReLU();

  override forward(x: Tensor): Tensor {
    const joined = concat([this.relu.forward(this.left.forward(x)), this.relu.forward(this.right.forward(x))], 1);
    return this.relu.forward(this.last.forward(joined));
  }
}

const pools = () =>
  new nn.Sequential(
    new nn.Conv2d(2, 8, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
    new nn.Conv2d(8, 8, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.AvgPool2d(2, { ceilMode: true }),
    new nn.Conv2d(8, 8, 1),
    new nn.ReLU(),
    new nn.AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
    new nn.Flatten(),
    new nn.Linear(8 * 3 * 3, 6),
  );

const transposed = () =>
  new nn.Sequential(
    new nn.Conv2d(2, 8, 3, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(8),
    new nn.ReLU(),
    new nn.ConvTranspose2d(8, 6, 4, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(6),
    new nn.ReLU(),
    new nn.Conv2d(6, 3, 1),
  );

const mlp = () =>
  new nn.Sequential(
    new nn.Linear(20, 32),
    new nn.BatchNorm1d(32),
    new nn.ReLU(),
    new nn.Dropout(0.5),
    new nn.Linear(32, 16, { bias: false }),
    new nn.ReLU(),
    new nn.Linear(16, 4),
  );

class TwoInputs extends nn.Module {
  image = new nn.Conv2d(3, 8, 3, { padding: 1 });
  mask = new nn.Conv2d(1, 8, 3, { padding: 1 });
  head = new nn.Conv2d(8, 4, 1);
  score = new nn.Linear(8, 3);
  relu = new nn.ReLU();
  pool = new nn.AdaptiveAvgPool2d(1);

  override forward(image: Tensor, mask: Tensor): { map: Tensor; score: Tensor } {
    const sum = this.relu.forward(add(this.image.forward(image), this.mask.forward(mask)));
    return { map: this.head.forward(sum), score: this.score.forward(flatten(this.pool.forward(sum), 1)) };
  }
}

/** Fresh networks with random weights. */
export const handBuilt = (): Network[] => [
  { name: 'plain CNN', model: new PlainCnn(), inputs: [[3, 16, 16]] },
  { name: 'batch normalization', model: batchNorm(), inputs: [[1, 12, 10]] },
  { name: 'residual', model: new Residual(), inputs: [[3, 10, 10]] },
  { name: 'depthwise separable', model: depthwise(), inputs: [[3, 16, 16]] },
  { name: 'concat', model: new Concatenated(), inputs: [[2, 9, 7]] },
  { name: 'pools in ceil mode', model: pools(), inputs: [[2, 12, 12]] },
  { name: 'transposed convolution', model: transposed(), inputs: [[2, 10, 8]] },
  { name: 'MLP', model: mlp(), inputs: [[20]] },
  {
    name: 'two inputs, two outputs',
    model: new TwoInputs(),
    inputs: [
      [3, 8, 8],
      [1, 8, 8],
    ],
  },
];
