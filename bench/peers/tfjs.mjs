/**
 * TensorFlow.js on its CPU backend, in plain JavaScript: the one of its backends for Node without native code that can train
 * a convolution (the WebAssembly one has no kernel for the gradient of a filter).
 */
import { batch, boundOf, images, LAYERS, labels, learningRate, load, momentum, report, uniform } from './task.mjs';

const tf = load('@tensorflow/tfjs');
await tf.setBackend('cpu');
await tf.ready();

/** TensorFlow's order of axes: filters [y, x, inputs, outputs], matrices [inputs, outputs]. */
const variables = Object.fromEntries(
  Object.entries(LAYERS).map(([name, shape]) => {
    const [outputs, inputs, ...kernel] = shape;
    const own = [...kernel, inputs, outputs];
    const values = (extent) => uniform(extent, boundOf(shape));
    const size = own.reduce((product, extent) => product * extent, 1);
    return [
      name,
      { w: tf.variable(tf.tensor(values(size), own)), b: tf.variable(tf.tensor(values(outputs), [outputs])) },
    ];
  }),
);
const x = tf.tensor(images, [batch, 28, 28, 1]);
const target = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
const optimizer = tf.train.momentum(learningRate, momentum);

function loss() {
  const { conv1, conv2, fc1, fc2 } = variables;
  const first = tf.maxPool(tf.relu(tf.add(tf.conv2d(x, conv1.w, 1, 'same'), conv1.b)), 2, 2, 'valid');
  const second = tf.maxPool(tf.relu(tf.add(tf.conv2d(first, conv2.w, 1, 'same'), conv2.b)), 2, 2, 'valid');
  const hidden = tf.relu(tf.add(tf.matMul(tf.reshape(second, [batch, 64 * 49]), fc1.w), fc1.b));
  const logits = tf.add(tf.matMul(hidden, fc2.w), fc2.b);
  return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
}

await report('TensorFlow.js', 'cpu', () => {
  const cost = optimizer.minimize(loss, true);
  const [value] = cost.dataSync();
  cost.dispose();
  return value;
});
