/** ResNet-18, ResNet-20 and MobileNetV2 as in large.py. */
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { flatten } from '../../../src/ops/movement/reshape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const conv = (cin: number, cout: number, kernel: number, stride = 1, groups = 1): nn.Conv2d =>
  new nn.Conv2d(cin, cout, kernel, { stride, padding: Math.floor(kernel / 2), groups, bias: false });

const run = (layers: nn.Sequential, x: Tensor): Tensor => layers.forward(x) as Tensor;

class BasicBlock extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly relu = new nn.ReLU();
  readonly downsample: nn.Sequential | null;

  constructor(cin: number, cout: number, stride: number) {
    super();
    this.conv1 = conv(cin, cout, 3, stride);
    this.bn1 = new nn.BatchNorm2d(cout);
    this.conv2 = conv(cout, cout, 3);
    this.bn2 = new nn.BatchNorm2d(cout);
    const same = stride === 1 && cin === cout;
    this.downsample = same ? null : new nn.Sequential(conv(cin, cout, 1, stride), new nn.BatchNorm2d(cout));
  }

  override forward(x: Tensor): Tensor {
    const y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    return this.relu.forward(
      add(this.bn2.forward(this.conv2.forward(y)), this.downsample ? run(this.downsample, x) : x),
    );
  }
}

export class ResNet extends nn.Module {
  readonly stem: nn.Sequential;
  readonly layers: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly fc: nn.Linear;

  constructor(widths: readonly number[], depths: readonly number[], imagenet: boolean) {
    super();
    const norm = [new nn.BatchNorm2d(widths[0]), new nn.ReLU()];
    this.stem = imagenet
      ? new nn.Sequential(conv(3, widths[0], 7, 2), ...norm, new nn.MaxPool2d(3, { stride: 2, padding: 1 }))
      : new nn.Sequential(conv(3, widths[0], 3), ...norm);
    let cin = widths[0];
    const blocks = widths.flatMap((width, stage) =>
      Array.from({ length: depths[stage] }, (_, index) => {
        const block = new BasicBlock(cin, width, index === 0 && stage > 0 ? 2 : 1);
        cin = width;
        return block;
      }),
    );
    this.layers = new nn.Sequential(...blocks);
    this.fc = new nn.Linear(cin, 10);
  }

  override forward(x: Tensor): Tensor {
    return this.fc.forward(flatten(this.avgpool.forward(run(this.layers, run(this.stem, x))), 1));
  }
}

class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential;
  readonly #residual: boolean;

  constructor(cin: number, cout: number, stride: number, expand: number) {
    super();
    const hidden = cin * expand;
    this.conv = new nn.Sequential(
      ...(expand === 1 ? [] : [conv(cin, hidden, 1), new nn.BatchNorm2d(hidden), new nn.ReLU6()]),
      ...[conv(hidden, hidden, 3, stride, hidden), new nn.BatchNorm2d(hidden), new nn.ReLU6()],
      ...[conv(hidden, cout, 1), new nn.BatchNorm2d(cout)],
    );
    this.#residual = stride === 1 && cin === cout;
  }

  override forward(x: Tensor): Tensor {
    return this.#residual ? add(x, run(this.conv, x)) : run(this.conv, x);
  }
}

/** Expansion, width, depth and stride of each stage. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

export class MobileNetV2 extends nn.Module {
  readonly features: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly classifier = new nn.Sequential(new nn.Dropout(0.2), new nn.Linear(1280, 10));

  constructor() {
    super();
    let cin = 32;
    const blocks = STAGES.flatMap(([expand, width, depth, stride]) =>
      Array.from({ length: depth }, (_, index) => {
        const block = new InvertedResidual(cin, width, index === 0 ? stride : 1, expand);
        cin = width;
        return block;
      }),
    );
    const first = [conv(3, 32, 3, 2), new nn.BatchNorm2d(32), new nn.ReLU6()];
    this.features = new nn.Sequential(
      ...first,
      ...blocks,
      conv(cin, 1280, 1),
      new nn.BatchNorm2d(1280),
      new nn.ReLU6(),
    );
  }

  override forward(x: Tensor): Tensor {
    return run(this.classifier, flatten(this.avgpool.forward(run(this.features, x)), 1));
  }
}

export const LARGE: Readonly<Record<string, readonly [make: () => nn.Module, shape: readonly number[]]>> = {
  resnet18: [() => new ResNet([64, 128, 256, 512], [2, 2, 2, 2], true), [1, 3, 64, 64]],
  resnet20: [() => new ResNet([16, 32, 64], [3, 3, 3], false), [1, 3, 16, 16]],
  mobilenetV2: [() => new MobileNetV2(), [1, 3, 64, 64]],
};
