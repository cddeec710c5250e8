/** Small models for the tests of checkpoints. */
import {
  functional as F,
  Generator,
  nn,
  optim,
  type QuantizedModel,
  quantize,
  rand,
  randint,
  type Tensor,
} from 'quantgrad';

export class SmallNet extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly bn: nn.BatchNorm2d;
  readonly relu = new nn.ReLU();
  readonly fc: nn.Linear;

  constructor(channels = 3) {
    super();
    this.conv = new nn.Conv2d(1, channels, 3, { padding: 1, bias: false });
    this.bn = new nn.BatchNorm2d(channels);
    this.fc = new nn.Linear(channels * 16, 2);
  }

  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.relu.forward(this.bn.forward(this.conv.forward(x))).flatten(1));
  }
}

export const images = (count: number, seed = 1): Tensor => rand([count, 1, 4, 4], { generator: new Generator(seed) });

export const quantizedNet = (bits = 8): Promise<QuantizedModel<SmallNet>> =>
  quantize(new SmallNet(), [images(4), images(4, 2)], { bits });

export const adam = (model: nn.Module): optim.Adam => new optim.Adam(model.parameters(), { lr: 0.01 });

export function trainSteps(model: nn.Module, optimizer: optim.Optimizer, steps: number): void {
  const generator = new Generator(4);
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    const labels = randint(0, 2, [6], { generator });
    F.crossEntropy(model.forward(rand([6, 1, 4, 4], { generator })) as Tensor, labels).backward();
    optimizer.step();
  }
}

/** Everything of a model that a checkpoint keeps, in a form that Vitest can compare. */
export const everythingOf = (model: nn.Module): unknown => ({
  state: [...model.stateDict()].map(([name, tensor]) => [name, [...tensor.dataSync()]]),
  frozen: [...model.namedParameters()].map(([name, { requiresGrad }]) => [name, requiresGrad]),
  training: [...model.namedModules()].map(([path, { training }]) => [path, training]),
});

export const stateOf = (optimizer: optim.Optimizer): unknown => {
  const { state, groups } = optimizer.stateDict();
  return { groups, state: [...state].map(([name, tensor]) => [name, [...tensor.dataSync()]]) };
};
