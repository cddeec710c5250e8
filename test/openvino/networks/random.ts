/** Random layered networks: the same seed gives the same network. */
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { concat } from '../../../src/ops/movement/concat.js';
import { Generator, manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { finish, firstBlock, pick, randomBlock } from './blocks.js';
import type { Network } from './network.js';

const through = (layer: nn.Module, x: Tensor): Tensor => layer.apply(x) as Tensor;

/** A head that classifies, or none. */
function head(x: Tensor, generator: Generator): Tensor {
  const kind = pick(generator, ['pooled', 'pooled', 'flat', 'none']);
  if (kind === 'none') return x;
  const features = through(new nn.Flatten(), kind === 'pooled' ? through(new nn.AdaptiveAvgPool2d(1), x) : x);
  const hidden = generator.bernoulli(0.4)
    ? finish(through(new nn.Linear(features.shape[1], generator.integer(4, 17)), features), generator)
    : features;
  return through(new nn.Linear(hidden.shape[1], generator.integer(2, 11), { bias: generator.bernoulli(0.8) }), hidden);
}

function images(generator: Generator): { first: Tensor; inputs: Tensor[] } {
  const [height, width] = [generator.integer(6, 15), generator.integer(6, 15)];
  const image = () => nn.input({ shape: [null, generator.integer(1, 5), height, width] });
  const input = image();
  const first = firstBlock(input, generator);
  if (!generator.bernoulli(0.2)) return { first, inputs: [input] };
  const second = image();
  const project = (x: Tensor) => through(new nn.Conv2d(x.shape[1], 6, 3, { padding: 1 }), x);
  const joined = generator.bernoulli(0.5) ? add(project(input), project(second)) : concat([project(input), second], 1);
  return { first: joined, inputs: [input, second] };
}

function fullyConnected(generator: Generator): { outputs: Tensor; inputs: Tensor[] } {
  const input = nn.input({ shape: [null, generator.integer(4, 33)] });
  let x = input;
  for (let layers = generator.integer(1, 5); layers > 0; layers--) {
    x = finish(through(new nn.Linear(x.shape[1], generator.integer(3, 25)), x), generator);
  }
  return { outputs: through(new nn.Linear(x.shape[1], generator.integer(2, 9)), x), inputs: [input] };
}

function convolutional(generator: Generator): { outputs: unknown; inputs: Tensor[] } {
  const { first, inputs } = images(generator);
  const values = [first];
  for (let blocks = generator.integer(1, 6); blocks > 0; blocks--)
    values.push(randomBlock(values[values.length - 1], generator));
  const last = head(values[values.length - 1], generator);
  const outputs = generator.bernoulli(0.15) && values[1] !== last ? { main: last, auxiliary: values[1] } : last;
  return { outputs, inputs };
}

export function randomNetwork(seed: number): Network {
  // Layers draw their weights from the default generator.
  manualSeed(seed);
  const generator = new Generator(seed);
  const { outputs, inputs } = generator.bernoulli(0.1) ? fullyConnected(generator) : convolutional(generator);
  return {
    name: `random ${seed}`,
    model: new nn.Functional({ inputs, outputs }),
    inputs: inputs.map(({ shape }) => shape.slice(1)),
  };
}
