/** One convolution, called twice. */
import * as nn from '../../src/nn/index.js';
import type { Tensor } from '../../src/tensor/tensor.js';

export class SharedConvolution extends nn.Module {
  readonly conv = new nn.Conv2d(2, 2, 3, { padding: 1, bias: false });
  readonly relu = new nn.ReLU();

  override forward(x: Tensor): Tensor {
    return this.conv.forward(this.relu.forward(this.conv.forward(x)));
  }
}
