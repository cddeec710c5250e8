/** Small models and data for the tests of quantization. */
import { noGrad } from '../../src/autograd/gradMode.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { flatten } from '../../src/ops/movement/reshape.js';
import { randn } from '../../src/tensor/create.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** Convolution, batch normalisation, ReLU, a residual addition, dropout and a classifier for images [N, 2, 6, 6]. */
export class SmallNet extends nn.Module {
  readonly conv = new nn.Conv2d(2, 3, 3, { padding: 1, bias: false });
  readonly norm = new nn.BatchNorm2d(3);
  readonly relu = new nn.ReLU();
  readonly block = new nn.Sequential(new nn.Conv2d(3, 3, 3, { padding: 1 }), new nn.BatchNorm2d(3));
  readonly pool = new nn.AdaptiveAvgPool2d(1);
  readonly drop: nn.Dropout;
  readonly fc = new nn.Linear(3, 4);

  constructor(dropout = 0) {
    super();
    this.drop = new nn.Dropout(dropout);
  }

  override forward(x: Tensor): Tensor {
    const y = this.relu.forward(this.norm.forward(this.conv.forward(x)));
    const z = this.relu.forward(add(this.block.forward(y) as Tensor, y));
    return this.fc.forward(this.drop.forward(flatten(this.pool.forward(z), 1)));
  }
}

/** `count` batches [size, 2, 6, 6] of noise. */
export function images(count: number, size = 2, seed = 1): Tensor[] {
  const generator = new Generator(seed);
  return Array.from({ length: count }, () => randn([size, 2, 6, 6], { generator }));
}

/** The values of all parameters and buffers. */
export const stateOf = (model: nn.Module): Map<string, number[]> =>
  new Map([...model.stateDict()].map(([name, value]) => [name, [...value.dataSync()]]));

export const valuesOf = (output: unknown): number[] => [...(output as Tensor).dataSync()];

const warm = new Map<string, nn.StateDict>();

/** A model whose batch normalisation has seen data, so that calibration and training see values of the same size. */
export function warmedUp(model = new SmallNet()): SmallNet {
  // Tests begin with the same seeds, so most ask for the same model.
  const key = model.parameters().map(valuesOf).join('|');
  const known = warm.get(key);
  if (known) model.loadStateDict(known);
  else {
    noGrad(() => {
      for (let epoch = 0; epoch < 20; epoch++) for (const x of images(4)) model.forward(x);
    });
    warm.set(key, model.stateDict());
  }
  return model.eval();
}
