/**
 * jax-js on its WebAssembly device, which in Node has one thread. With `jit`, which it recommends, and without; which is
 * faster depends on the sizes of the convolutions.
 */
import {
  batch,
  boundOf,
  images,
  LAYERS,
  labels,
  learningRate,
  load,
  momentum,
  report,
  sizeOf,
  uniform,
} from './task.mjs';

const { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy: np, tree, valueAndGrad } = load('@jax-js/jax');
// Without names it asks the browser for its graphics devices.
await init('wasm');
defaultDevice('wasm');

const PADS = [
  [1, 1],
  [1, 1],
];
const pool = (x) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
const bias = (b) => b.reshape([1, -1, 1, 1]);

/** Each use of an array but the last one takes a reference. */
function lossOf({ conv1, conv2, fc1, fc2 }, x, target) {
  const first = pool(nn.relu(lax.conv(x, conv1.w, [1, 1], PADS).add(bias(conv1.b))));
  const second = pool(nn.relu(lax.conv(first, conv2.w, [1, 1], PADS).add(bias(conv2.b))));
  const hidden = nn.relu(np.matmul(second.reshape([batch, 64 * 49]), np.transpose(fc1.w)).add(fc1.b));
  const logits = np.matmul(hidden, np.transpose(fc2.w)).add(fc2.b);
  return nn.logSoftmax(logits).mul(target).sum(-1).mean().mul(-1);
}

function update(parameters, buffers, x, target) {
  const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(parameters), x, target);
  const moved = tree.map((buffer, gradient) => buffer.mul(momentum).add(gradient), buffers, gradients);
  const next = tree.map((parameter, buffer) => parameter.sub(buffer.mul(learningRate)), parameters, tree.ref(moved));
  return [loss, next, moved];
}

function makeStep(run) {
  const layer = (make) =>
    Object.fromEntries(
      Object.entries(LAYERS).map(([name, shape]) => [
        name,
        { w: np.array(make(sizeOf(shape), shape)).reshape(shape), b: np.array(make(shape[0], shape)) },
      ]),
    );
  let parameters = layer((length, shape) => uniform(length, boundOf(shape)));
  let buffers = layer((length) => new Float32Array(length));
  const x = np.array(images).reshape([batch, 1, 28, 28]);
  const target = np.array(
    Float32Array.from({ length: batch * 10 }, (_, at) => Number(labels[Math.floor(at / 10)] === at % 10)),
  );
  const targets = target.reshape([batch, 10]);
  return async () => {
    const [loss, nextParameters, nextBuffers] = run(parameters, buffers, x.ref, targets.ref);
    [parameters, buffers] = [nextParameters, nextBuffers];
    await blockUntilReady([parameters, buffers]);
    const [value] = await loss.data();
    return value;
  };
}

await report('jax-js', 'wasm, jit', makeStep(jit(update)));
await report('jax-js', 'wasm', makeStep(update));
