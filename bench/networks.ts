/** The networks of the speed comparison, with the shapes that PyTorch + NNCF runs them on. */
import { functional as F, nn, type Tensor } from 'quantgrad';

/** Two convolutions and two linear layers for 1x28x28 images. */
class SmallCNN extends nn.Module {
  conv1 = new nn.Conv2d(1, 32, 3, { padding: 1 });
  conv2 = new nn.Conv2d(32, 64, 3, { padding: 1 });
  fc1 = new nn.Linear(64 * 49, 128);
  fc2 = new nn.Linear(128, 10);
  pool = new nn.MaxPool2d(2);
  relu = new nn.ReLU();

  forward(x: Tensor): Tensor {
    const first = this.pool.forward(this.relu.forward(this.conv1.forward(x)));
    const second = this.pool.forward(this.relu.forward(this.conv2.forward(first)));
    return this.fc2.forward(this.relu.forward(this.fc1.forward(F.flatten(second, 1))));
  }
}

export interface Workload {
  readonly model: () => nn.Module;
  readonly shape: readonly number[];
}

const TEN = { numClasses: 10 };

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  'small-cnn-28-b64': { model: () => new SmallCNN(), shape: [64, 1, 28, 28] },
  'resnet20-32-b64': { model: () => nn.models.resnet20(TEN), shape: [64, 3, 32, 32] },
  'resnet18-32-b32': { model: () => nn.models.resnet18({ ...TEN, stem: 'small' }), shape: [32, 3, 32, 32] },
  'resnet18-224-b8': { model: () => nn.models.resnet18(TEN), shape: [8, 3, 224, 224] },
  'mobilenetv2-64-b32': { model: () => nn.models.mobilenetV2(TEN), shape: [32, 3, 64, 64] },
  'mobilenetv2-224-b8': { model: () => nn.models.mobilenetV2(TEN), shape: [8, 3, 224, 224] },
};
