/** Small programs that use the installed package. */

const BODY = `
  const model = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(64, 3));
  const images = [0, 1, 2].map((seed) => randn([2, 1, 6, 6], { generator: new Generator(seed) }));
  const quantized = await quantize(model, images);
  const optimizer = new optim.SGD(quantized.parameters(), { lr: 0.01 });
  functional.crossEntropy(quantized.train().forward(images[0]), tensor([0, 2], { dtype: 'int32' })).backward();
  optimizer.step();
  await saveModel(quantized.eval(), 'model.xml');
  const session = await InferenceSession.create('model.xml');
  const results = await session.run({ [session.inputs[0].name]: images[0] });
  const [values] = await Promise.all(Object.values(results).map((result) => result.data()));
  if (values.length !== 6 || !values.every(Number.isFinite)) throw new Error('the saved model gives ' + values);
`;

const NAMES = 'nn, optim, functional, quantize, saveModel, InferenceSession, Generator, randn, tensor';

/** Quantizes, trains, saves and runs a model, from an ES module. */
export const ESM = `import { ${NAMES}, Tensor } from 'quantgrad';
import { Conv2d } from 'quantgrad/nn';
if (nn.Conv2d !== Conv2d) throw new Error('the entries have a class each');
${BODY}
console.log('done', tensor([1]) instanceof Tensor);
`;

/** For other runtimes: the same, with a checkpoint and enough work for several threads. Says what computed. */
export const RUNTIME = `import { ${NAMES}, Tensor, info, loadCheckpoint, saveCheckpoint } from 'quantgrad';
${BODY}
await saveCheckpoint('last.safetensors', { model: quantized, optimizer });
const fresh = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(64, 3));
const { model: restored } = await loadCheckpoint('last.safetensors', { model: fresh });
const [before, after] = [quantized, restored].map((each) => each.eval().forward(images[1]).dataSync());
if (String(before) !== String(after)) throw new Error('the checkpoint gives other results');
const large = randn([512, 512]);
const sum = await large.matMul(large).sum().item();
if (!Number.isFinite(sum)) throw new Error('a product gives ' + sum);
console.log('engine', info().backend + ', threads: ' + info().threads);
console.log('done', tensor([1]) instanceof Tensor);
`;

/** The same through \`require\`; both forms have the same classes. */
export const COMMONJS = `const { ${NAMES}, Tensor } = require('quantgrad');
const { Conv2d } = require('quantgrad/nn');
if (nn.Conv2d !== Conv2d) throw new Error('the entries have a class each');
(async () => {
  ${BODY}
  const esm = await import('quantgrad');
  console.log('done', esm.Tensor === Tensor);
})();
`;

/** Uses types of every entry; the error that is expected shows that they are not \`any\`. */
export const TYPES = `import { nn, quantize, saveModel, type Tensor, tensor } from 'quantgrad';
import { saveCheckpoint } from 'quantgrad/checkpoint';
import { DataLoader, TensorDataset } from 'quantgrad/data';
import { readModel } from 'quantgrad/ir';
import { Linear } from 'quantgrad/nn';
import { resnet18 } from 'quantgrad/nn/models';
import { Adam } from 'quantgrad/optim';
import { profileModel } from 'quantgrad/profile';
import { getConfig } from 'quantgrad/quant';
import { InferenceSession, type ModelSource } from 'quantgrad/runtime';

export async function train(images: Tensor): Promise<void> {
  const model = new nn.Sequential(new Linear(4, 2), new nn.ReLU());
  const quantized = await quantize(model, new DataLoader(new TensorDataset(images), { batchSize: 1 }), {});
  const optimizer = new Adam(quantized.parameters(), { lr: 0.1 });
  const sum: Tensor = quantized.forward(images).add(1).sum();
  sum.backward();
  optimizer.step();
  await saveCheckpoint('last.safetensors', { model: quantized, optimizer });
  await saveModel(quantized, 'model.xml');
}
export const open = (source: ModelSource): Promise<InferenceSession> => InferenceSession.create(source);
// @ts-expect-error A path is no number.
readModel(1);
export { getConfig, profileModel, resnet18, tensor };
`;
