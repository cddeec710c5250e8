/**
 * The process of training.test.ts: `trainDigits.ts <float | quantized> <steps>` trains the demo's network and prints
 * the resident set after every hundred steps, in bytes, as a JSON array.
 */
import { data, functional as F, manualSeed, type nn, optim, quantize, rand, randint, type Tensor } from 'quantgrad';
import { DigitsNet } from '../../../examples/digits/network.js';

const BATCH_SIZE = 4;
const IMAGES = 200;

const [kind, steps] = process.argv.slice(2);
manualSeed(0);
const dataset = new data.TensorDataset(rand([IMAGES, 1, 8, 8]), randint(0, 10, [IMAGES]));
// The loader gives the event loop a turn for each batch: nothing can be collected that a pending promise holds.
const loader = new data.DataLoader<Tensor[]>(dataset, { batchSize: BATCH_SIZE, shuffle: true });
const network = new DigitsNet();
const model: nn.Module =
  kind === 'float'
    ? network
    : await quantize(network, new data.CalibrationDataset(loader, ([image]) => image), { subsetSize: 4 });
model.train();
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
const resident: number[] = [];
for (let step = 0; step < Number(steps); ) {
  for await (const [images, labels] of loader) {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(images) as Tensor, labels).backward();
    optimizer.step();
    if (++step % 100 === 0) resident.push(process.memoryUsage.rss());
    if (step === Number(steps)) break;
  }
}
console.log(JSON.stringify(resident));
