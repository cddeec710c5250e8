/** Small models of many kinds, each with inputs and a loss, for tests that run them in several ways. */
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { multiply } from '../../src/ops/elementwise/multiply.js';
import { relu } from '../../src/ops/elementwise/relu.js';
import { sigmoid } from '../../src/ops/elementwise/sigmoid.js';
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import '../../src/ops/methods.js';
import { concat } from '../../src/ops/movement/concat.js';
import { flatten } from '../../src/ops/movement/reshape.js';
import { randn, tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';

export interface PlanCase {
  readonly build: () => nn.Module;
  readonly inputs: (batch: number) => Tensor[];
  readonly loss: (outputs: Tensor[]) => Tensor | null;
  /** Changes to the model before it is run. */
  readonly prepare?: (model: nn.Module) => void;
  readonly evaluation?: boolean;
  /** Whether inputs require a gradient. */
  readonly inputGradients?: boolean;
  /** Whether it can be quantized. Default: true. */
  readonly quantizable?: boolean;
  /**
   * Whether a tensor is used more than once. A plan adds the gradients of all uses before it adds the sum to an older
   * gradient, so that the last bit of the third sum may differ.
   */
  readonly repeats?: boolean;
}

const image = (batch: number, channels = 3, size = 8): Tensor => randn([batch, channels, size, size]);

const classes = (logits: Tensor): Tensor =>
  crossEntropy(
    logits,
    tensor(
      Array.from({ length: logits.shape[0] }, (_, index) => index % logits.shape[1]),
      { dtype: 'int32', backend: logits.backend },
    ),
  );

const squares = (outputs: Tensor[]): Tensor =>
  outputs.map((output) => output.square().mean()).reduce((a, b) => a.add(b));

class Head extends nn.Module {
  readonly pool = new nn.AdaptiveAvgPool2d(1);
  readonly fc: nn.Linear;

  constructor(channels: number) {
    super();
    this.fc = new nn.Linear(channels, 4);
  }

  forward(x: Tensor): Tensor {
    return this.fc.forward(flatten(this.pool.forward(x), 1));
  }
}

class Residual extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 6, 3, { padding: 1, bias: false });
  readonly bn1 = new nn.BatchNorm2d(6);
  readonly conv2 = new nn.Conv2d(6, 6, 3, { padding: 1, bias: false });
  readonly bn2 = new nn.BatchNorm2d(6);
  readonly head = new Head(6);

  forward(x: Tensor): Tensor {
    const y = relu(this.bn1.forward(this.conv1.forward(x)));
    return this.head.forward(relu(add(this.bn2.forward(this.conv2.forward(y)), y)));
  }
}

class Depthwise extends nn.Module {
  readonly layers = new nn.Sequential(
    new nn.Conv2d(3, 8, 1, { bias: false }),
    new nn.BatchNorm2d(8),
    new nn.ReLU6(),
    new nn.Conv2d(8, 8, 3, { stride: 2, padding: 1, groups: 8, bias: false }),
    new nn.BatchNorm2d(8),
    new nn.ReLU6(),
    new Head(8),
  );

  forward(x: Tensor): Tensor {
    return this.layers.forward(x) as Tensor;
  }
}

class Concat extends nn.Module {
  readonly left = new nn.Conv2d(3, 4, 3, { padding: 1 });
  readonly right = new nn.Conv2d(3, 4, 1);
  readonly head = new Head(8);

  forward(x: Tensor): Tensor {
    return this.head.forward(concat([relu(this.left.forward(x)), sigmoid(this.right.forward(x))], 1));
  }
}

class Dropout extends nn.Module {
  readonly first = new nn.Linear(10, 16);
  readonly drop1 = new nn.Dropout(0.3);
  readonly second = new nn.Linear(16, 16);
  readonly drop2 = new nn.Dropout(0.5);
  readonly third = new nn.Linear(16, 4);

  forward(x: Tensor): Tensor {
    const y = this.drop1.forward(relu(this.first.forward(x)));
    return this.third.forward(this.drop2.forward(relu(this.second.forward(y))));
  }
}

class TwoInputs extends nn.Module {
  readonly a = new nn.Linear(6, 5);
  readonly b = new nn.Linear(3, 5);

  forward(x: Tensor, y: Tensor): Tensor {
    return multiply(this.a.forward(x), sigmoid(this.b.forward(y)));
  }
}

/** Two heads on one trunk. */
class TwoOutputs extends nn.Module {
  /** Makes the second output a logarithm of numbers below zero, which is NaN and must not reach the first one's gradients. */
  readonly broken: boolean;
  readonly trunk = new nn.Linear(6, 8);
  readonly first = new nn.Linear(8, 4);
  readonly second = new nn.Linear(8, 3);

  constructor(broken = false) {
    super();
    this.broken = broken;
  }

  forward(x: Tensor): [Tensor, Tensor] {
    const y = relu(this.trunk.forward(x));
    const z = this.second.forward(y);
    return [this.first.forward(y), (this.broken ? z.abs().neg() : sigmoid(z)).log()];
  }
}

class IntegerOutput extends nn.Module {
  readonly fc = new nn.Linear(6, 5);

  forward(x: Tensor): { logits: Tensor; choice: Tensor } {
    const logits = this.fc.forward(x);
    return { logits, choice: logits.argMax(1) };
  }
}

/** One layer called twice, and a value that is both an output and used further. */
class Shared extends nn.Module {
  readonly fc = new nn.Linear(6, 6);
  readonly last = new nn.Linear(6, 4);

  forward(x: Tensor): [Tensor, Tensor] {
    const y = this.fc.forward(relu(this.fc.forward(x)));
    return [y, this.last.forward(y)];
  }
}

class Embedding extends nn.Module {
  readonly embedding = new nn.Embedding(11, 6);
  readonly fc = new nn.Linear(6, 4);

  forward(x: Tensor): Tensor {
    return this.fc.forward(this.embedding.forward(x).mean(1));
  }
}

/** Outputs and gradients that are the inputs, the parameters, each other, and constants. */
class Aliases extends nn.Module {
  readonly weight = new nn.Parameter(randn([4]));

  forward(x: Tensor): Tensor[] {
    const sum = x.add(this.weight.mul(1));
    return [x, sum, sum, sum.reshape([-1, 2, 2]), this.weight.mul(1)];
  }
}

class Sum extends nn.Module {
  readonly left = new nn.Parameter(randn([5, 4]));
  readonly right = new nn.Parameter(randn([5, 4]));

  forward(x: Tensor): Tensor {
    return x.add(this.left).add(this.right);
  }
}

const rows = (batch: number, ...extents: number[]): Tensor[] => extents.map((extent) => randn([batch, extent]));

const bnNet = (): nn.Module =>
  new nn.Sequential(new nn.Conv2d(3, 5, 3), new nn.BatchNorm2d(5), new nn.ReLU(), new Head(5));

const first = (outputs: Tensor[]): Tensor => classes(outputs[0]);

export const PLAN_CASES: Readonly<Record<string, PlanCase>> = {
  residual: { build: () => new Residual(), inputs: (batch) => [image(batch)], loss: first },
  depthwise: { build: () => new Depthwise(), inputs: (batch) => [image(batch)], loss: first },
  concat: { build: () => new Concat(), inputs: (batch) => [image(batch)], loss: first },
  dropout: { build: () => new Dropout(), inputs: (batch) => rows(batch, 10), loss: first },
  'two inputs': { build: () => new TwoInputs(), inputs: (batch) => rows(batch, 6, 3), loss: squares },
  'two outputs, loss on both': {
    build: () => new TwoOutputs(),
    inputs: (batch) => rows(batch, 6),
    loss: ([a, b]) => classes(a).add(b.exp().mean()),
  },
  'two outputs, loss on the first': {
    build: () => new TwoOutputs(true),
    inputs: (batch) => rows(batch, 6),
    loss: first,
  },
  'two outputs, loss on the second': {
    build: () => new TwoOutputs(),
    inputs: (batch) => rows(batch, 6),
    loss: ([, b]) => b.exp().square().mean(),
  },
  'two outputs, no loss': { build: () => new TwoOutputs(), inputs: (batch) => rows(batch, 6), loss: () => null },
  'integer output': { build: () => new IntegerOutput(), inputs: (batch) => rows(batch, 6), loss: first },
  'shared layer': {
    build: () => new Shared(),
    inputs: (batch) => rows(batch, 6),
    loss: squares,
    repeats: true,
  },
  embedding: {
    build: () => new Embedding(),
    inputs: (batch) => [
      tensor(
        Array.from({ length: batch }, (_, row) => [0, 1, 2, 3, 3].map((token) => (token * 3 + row) % 11)),
        { dtype: 'int32' },
      ),
    ],
    loss: first,
  },
  'frozen parameters': {
    build: () => new Residual(),
    inputs: (batch) => [image(batch)],
    loss: first,
    prepare: (model) => {
      for (const [name, parameter] of model.namedParameters())
        if (name.includes('conv1') || name.includes('bn1')) parameter.requiresGrad = false;
    },
  },
  'batch norm in evaluation, with gradients': {
    build: bnNet,
    inputs: (batch) => [image(batch)],
    loss: first,
    evaluation: true,
  },
  'input gradients': {
    build: () => new Residual(),
    inputs: (batch) => [image(batch)],
    loss: first,
    inputGradients: true,
  },
  'aliases of inputs and outputs': {
    build: () => new Aliases(),
    inputs: (batch) => rows(batch, 4),
    loss: squares,
    inputGradients: true,
    quantizable: false,
    repeats: true,
  },
  'equal gradients of two parameters': {
    build: () => new Sum(),
    inputs: () => [randn([5, 4])],
    loss: squares,
    inputGradients: true,
    quantizable: false,
  },
};
