/** Trains a small quantized network for 500 steps and prints how much memory the process has after 50 and after 500. */
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import * as nn from '../../../src/nn/index.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import '../../../src/ops/methods.js';
import { SGD } from '../../../src/optim/index.js';
import { quantize } from '../../../src/quant/index.js';
import { setDefaultBackend } from '../../../src/tensor/backend.js';
import { randn, tensor } from '../../../src/tensor/create.js';
import { manualSeed } from '../../../src/tensor/random.js';

const backend = WasmBackend.create({ threads: 1 });
setDefaultBackend(backend);
manualSeed(1);
const network = new nn.Sequential(
  new nn.Conv2d(1, 8, 3, { padding: 1, bias: false }),
  new nn.BatchNorm2d(8),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(8, 16, 3, { padding: 1 }),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Dropout(0.2),
  new nn.Linear(16 * 64, 10),
);
const model = await quantize(network, [randn([16, 1, 16, 16])]);
model.train();
const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });

const measure = (): { rss: number; heap: number } => ({
  rss: process.memoryUsage().rss,
  heap: backend.info().heapUsed,
});

let early = measure();
for (let step = 1; step <= 500; step++) {
  const x = randn([16, 1, 16, 16]);
  const target = tensor(
    Array.from({ length: 16 }, (_, index) => (index + step) % 10),
    { dtype: 'int32' },
  );
  optimizer.zeroGrad();
  const loss = crossEntropy(model.forward(x) as never, target);
  loss.backward();
  optimizer.step();
  await new Promise((resolve) => setImmediate(resolve));
  if (step === 50) early = measure();
}
const late = measure();
process.stdout.write(JSON.stringify({ early: early.rss, late: late.rss, heapEarly: early.heap, heapLate: late.heap }));
