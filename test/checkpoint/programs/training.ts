/**
 * A training with everything in it that remembers something: batch normalisation, dropout, Adam, a schedule,
 * clipping, a shuffling loader that fetches ahead, and transforms that draw random numbers.
 */
import {
  data,
  functional as F,
  Generator,
  loadCheckpoint,
  manualSeed,
  nn,
  optim,
  quantize,
  rand,
  randint,
  saveCheckpoint,
  type Tensor,
  tensor,
} from 'quantgrad';

const BATCH_SIZE = 6;
const IMAGES = 45;
const TOTAL_STEPS = 60;

export class Net extends nn.Module {
  readonly conv = new nn.Conv2d(1, 4, 3, { padding: 1, bias: false });
  readonly bn = new nn.BatchNorm2d(4);
  readonly dropout = new nn.Dropout(0.3);
  readonly fc1 = new nn.Linear(4 * 6 * 6, 12);
  readonly fc2 = new nn.Linear(12, 3);

  override forward(x: Tensor): Tensor {
    const features = this.dropout.forward(F.relu(this.bn.forward(this.conv.forward(x))).flatten(1));
    return this.fc2.forward(F.relu(this.fc1.forward(features)));
  }
}

/** The same data in every process. */
function dataset(): data.TensorDataset<readonly [Tensor, Tensor]> {
  const generator = new Generator(77);
  return new data.TensorDataset(rand([IMAGES, 1, 6, 6], { generator }), randint(0, 3, [IMAGES], { generator }));
}

const makeLoader = (): data.DataLoader<Tensor[]> =>
  new data.DataLoader<Tensor[]>(dataset(), {
    batchSize: BATCH_SIZE,
    shuffle: true,
    seed: 5,
    prefetch: 2,
    transform: ([image, label], random) => [image.add(tensor(0.1 * random.normal())), label],
  });

const makeOptimizer = (model: nn.Module): optim.Adam => new optim.Adam(model.parameters(), { lr: 0.01 });
const makeScheduler = (optimizer: optim.Optimizer): optim.LRScheduler =>
  new optim.OneCycleLR(optimizer, { maxLr: 0.02, totalSteps: TOTAL_STEPS });

export interface Run {
  readonly model: nn.Module;
  readonly optimizer: optim.Optimizer;
  readonly scheduler: optim.LRScheduler;
  readonly loader: data.DataLoader<Tensor[]>;
  /** A generator of the user's own. */
  readonly noise: Generator;
}

/** A run at its beginning; with `bits`, of a quantized network. */
export async function beginRun(bits: number | null): Promise<Run> {
  manualSeed(123);
  const network = new Net();
  const calibration = new data.CalibrationDataset(makeLoader(), ([image]: unknown[]) => image);
  const model = bits === null ? network : await quantize(network, calibration, { bits, subsetSize: 4 });
  model.train();
  const optimizer = makeOptimizer(model);
  return { model, optimizer, scheduler: makeScheduler(optimizer), loader: makeLoader(), noise: new Generator(9) };
}

export const saveRun = (path: string, run: Run): Promise<void> => saveCheckpoint(path, { ...run });

/** The run in the file, on a network of other weights, with the default generator at another place. */
export async function restoreRun(path: string): Promise<Run> {
  manualSeed(999);
  const restored = await loadCheckpoint(path, {
    model: new Net(),
    optimizer: ({ model }) => makeOptimizer(model),
    scheduler: ({ optimizer }) => makeScheduler(optimizer as optim.Optimizer),
    loader: makeLoader(),
    noise: new Generator(1),
  });
  return restored as Run;
}

/**
 * Makes this many steps, beginning at the loader's position.
 * @param atEnd Called after the last one, in the middle of its epoch.
 * @returns The losses.
 */
export async function train(run: Run, steps: number, atEnd = async (): Promise<void> => {}): Promise<number[]> {
  const { model, optimizer, scheduler, loader, noise } = run;
  const losses: number[] = [];
  for (;;) {
    for await (const [images, labels] of loader as AsyncIterable<[Tensor, Tensor]>) {
      optimizer.zeroGrad();
      const output = model.forward(images.multiply(tensor(1 + 0.05 * noise.normal()))) as Tensor;
      const loss = F.crossEntropy(output, labels);
      loss.backward();
      optim.clipGradNorm(model.parameters(), 1);
      optimizer.step();
      scheduler.step();
      losses.push(await loss.item());
      if (losses.length < steps) continue;
      await atEnd();
      return losses;
    }
  }
}

/** Every bit of the model's and the optimizer's state, by name. */
export async function bitsOf({ model, optimizer }: Run): Promise<Record<string, string>> {
  const bits: Record<string, string> = {};
  for (const [name, tensor] of [...model.stateDict(), ...optimizer.stateDict().state]) {
    const values = await tensor.data();
    bits[name] = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
  }
  return bits;
}
