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

class BasicBlock extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  relu = new nn.ReLU();
  downsample: nn.Sequential | null;

  constructor(inChannels: number, outChannels: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(inChannels, outChannels, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(outChannels);
    this.conv2 = new nn.Conv2d(outChannels, outChannels, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(outChannels);
    this.downsample =
      stride !== 1 || inChannels !== outChannels
        ? new nn.Sequential(
            new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false }),
            new nn.BatchNorm2d(outChannels),
          )
        : null;
  }

  forward(x: Tensor): Tensor {
    const inner = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    const residual = this.bn2.forward(this.conv2.forward(inner));
    return this.relu.forward(residual.add(this.downsample ? this.downsample.forward(x) : x));
  }
}

/** Widths and depths by stage; the stem is one 3x3 convolution, or ImageNet's 7x7 with stride 2 and a max pool. */
class ResNet extends nn.Module {
  stem: nn.Sequential;
  layers: nn.Sequential;
  avgpool = new nn.AdaptiveAvgPool2d(1);
  fc: nn.Linear;

  constructor(widths: readonly number[], depths: readonly number[], imagenetStem = false) {
    super();
    const [width] = widths;
    this.stem = imagenetStem
      ? new nn.Sequential(
          new nn.Conv2d(3, width, 7, { stride: 2, padding: 3, bias: false }),
          new nn.BatchNorm2d(width),
          new nn.ReLU(),
          new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
        )
      : new nn.Sequential(
          new nn.Conv2d(3, width, 3, { padding: 1, bias: false }),
          new nn.BatchNorm2d(width),
          new nn.ReLU(),
        );
    let channels = width;
    const blocks = widths.flatMap((outChannels, stage) =>
      Array.from({ length: depths[stage] }, (_, position) => {
        const block = new BasicBlock(channels, outChannels, position === 0 && stage > 0 ? 2 : 1);
        channels = outChannels;
        return block;
      }),
    );
    this.layers = new nn.Sequential(...blocks);
    this.fc = new nn.Linear(channels, 10);
  }

  forward(x: Tensor): Tensor {
    return this.fc.forward(F.flatten(this.avgpool.forward(this.layers.forward(this.stem.forward(x))), 1));
  }
}

class InvertedResidual extends nn.Module {
  conv: nn.Sequential;
  readonly residual: boolean;

  constructor(inChannels: number, outChannels: number, stride: number, expand: number) {
    super();
    const hidden = inChannels * expand;
    const expansion =
      expand === 1
        ? []
        : [new nn.Conv2d(inChannels, hidden, 1, { bias: false }), new nn.BatchNorm2d(hidden), new nn.ReLU6()];
    this.conv = new nn.Sequential(
      ...expansion,
      new nn.Conv2d(hidden, hidden, 3, { stride, padding: 1, groups: hidden, bias: false }),
      new nn.BatchNorm2d(hidden),
      new nn.ReLU6(),
      new nn.Conv2d(hidden, outChannels, 1, { bias: false }),
      new nn.BatchNorm2d(outChannels),
    );
    this.residual = stride === 1 && inChannels === outChannels;
  }

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.residual ? x.add(y) : y;
  }
}

class MobileNetV2 extends nn.Module {
  features: nn.Sequential;
  avgpool = new nn.AdaptiveAvgPool2d(1);
  classifier = new nn.Sequential(new nn.Dropout(0.2), new nn.Linear(1280, 10));

  constructor() {
    super();
    const stages = [
      [1, 16, 1, 1],
      [6, 24, 2, 2],
      [6, 32, 3, 2],
      [6, 64, 4, 2],
      [6, 96, 3, 1],
      [6, 160, 3, 2],
      [6, 320, 1, 1],
    ];
    let channels = 32;
    const blocks = stages.flatMap(([expand, outChannels, count, stride]) =>
      Array.from({ length: count }, (_, position) => {
        const block = new InvertedResidual(channels, outChannels, position === 0 ? stride : 1, expand);
        channels = outChannels;
        return block;
      }),
    );
    this.features = new nn.Sequential(
      new nn.Conv2d(3, 32, 3, { stride: 2, padding: 1, bias: false }),
      new nn.BatchNorm2d(32),
      new nn.ReLU6(),
      ...blocks,
      new nn.Conv2d(channels, 1280, 1, { bias: false }),
      new nn.BatchNorm2d(1280),
      new nn.ReLU6(),
    );
  }

  forward(x: Tensor): Tensor {
    return this.classifier.forward(F.flatten(this.avgpool.forward(this.features.forward(x)), 1));
  }
}

export interface Workload {
  readonly model: () => nn.Module;
  readonly shape: readonly number[];
}

const resnet18 = (imagenetStem: boolean) => () => new ResNet([64, 128, 256, 512], [2, 2, 2, 2], imagenetStem);

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  'small-cnn-28-b64': { model: () => new SmallCNN(), shape: [64, 1, 28, 28] },
  'resnet20-32-b64': { model: () => new ResNet([16, 32, 64], [3, 3, 3]), shape: [64, 3, 32, 32] },
  'resnet18-32-b32': { model: resnet18(false), shape: [32, 3, 32, 32] },
  'resnet18-224-b8': { model: resnet18(true), shape: [8, 3, 224, 224] },
  'mobilenetv2-64-b32': { model: () => new MobileNetV2(), shape: [32, 3, 64, 64] },
  'mobilenetv2-224-b8': { model: () => new MobileNetV2(), shape: [8, 3, 224, 224] },
};
