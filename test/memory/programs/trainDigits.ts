/**
 * The process of training.test.ts: `trainDigits.ts <reference | wasm> <float | quantized> <steps>` trains the demo's network
 * and prints as JSON: `resident`, the resident set in bytes after every hundred steps, and `heap`, the bytes in use of the
 * WebAssembly heap after every four hundred, when what was dropped has been collected.
 */
import {
  data,
  defaultBackend,
  functional as F,
  init,
  manualSeed,
  type nn,
  optim,
  quantize,
  rand,
  randint,
  type Tensor,
} from 'quantgrad';
import { DigitsNet } from '../../../examples/digits/network.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';

const BATCH_SIZE = 4;
const IMAGES = 200;

async function heapUsed(): Promise<number> {
  const used = defaultBackend();
  for (let round = 0; round < 8; round++) {
    (globalThis.gc as () => void)();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return used instanceof WasmBackend ? used.info().heapUsed : 0;
}

const [backend, kind, steps] = process.argv.slice(2);
await init({ backend: backend as 'reference' | 'wasm' });
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
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4 });
const resident: number[] = [];
const heap: number[] = [];
for (let step = 0; step < Number(steps); ) {
  for await (const [images, labels] of loader) {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(images) as Tensor, labels).backward();
    optimizer.step();
    if (++step % 100 === 0) {
      resident.push(process.memoryUsage.rss());
      if (step % 400 === 0) heap.push(await heapUsed());
    }
    if (step === Number(steps)) break;
  }
}
console.log(JSON.stringify({ resident, heap }));
