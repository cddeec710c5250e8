/** The network of the demo, for images [N, 1, 8, 8]. */
import { nn, type Tensor } from 'quantgrad';

/** Convolution, batch normalisation and ReLU: OpenVINO runs the three as one INT8 convolution. */
class Block extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly bn: nn.BatchNorm2d;
  readonly relu = new nn.ReLU();

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new nn.Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false });
    this.bn = new nn.BatchNorm2d(outChannels);
  }

  override forward(x: Tensor): Tensor {
    return this.relu.forward(this.bn.forward(this.conv.forward(x)));
  }
}

/** Images [N, 1, 8, 8] to the logits of ten digits, [N, 10]. */
export class DigitsNet extends nn.Module {
  readonly block1 = new Block(1, 16);
  readonly pool1 = new nn.MaxPool2d(2);
  readonly block2 = new Block(16, 32);
  readonly pool2 = new nn.MaxPool2d(2);
  readonly block3 = new Block(32, 64);
  readonly flatten = new nn.Flatten();
  readonly fc = new nn.Linear(64 * 2 * 2, 10);

  override forward(x: Tensor): Tensor {
    const half = this.pool1.forward(this.block1.forward(x));
    const quarter = this.pool2.forward(this.block2.forward(half));
    return this.fc.forward(this.flatten.forward(this.block3.forward(quarter)));
  }
}
