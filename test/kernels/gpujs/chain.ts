/**
 * A small forward and update pass made only of kernels that GPU.js runs itself: convolution,
 * bias, ReLU, fake-quantize, matrix product, the fake-quantize gradient and an SGD step.
 */
import type { Backend, Operand, Storage } from '../../../src/kernels/contract.js';
import { createRandom, uniform } from '../conformance/kernelCase.js';

export interface Chain {
  readonly result: Storage;
  /** Number of arrays that came from the host. */
  readonly uploads: number;
}

/** Enqueues the chain. Nothing is read. */
export function runChain(backend: Backend): Chain {
  const random = createRandom(11);
  let uploads = 0;
  const upload = (shape: readonly number[], low?: number, high?: number): Operand => {
    uploads++;
    return { shape, dtype: 'float32', storage: backend.upload(uniform(random, shape, low, high).values, 'float32') };
  };
  const operand = (shape: readonly number[], storage: Storage): Operand => ({ shape, dtype: 'float32', storage });
  const output = (shape: readonly number[]) => ({ shape, dtype: 'float32' as const });

  const images = [2, 4, 6, 5];
  const x = upload([2, 3, 6, 5]);
  const filter = upload([4, 3, 3, 3], -0.5, 0.5);
  const convolution = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1], groups: 1 };
  const [convolved] = backend.run('conv2d', [x, filter], convolution, [output(images)]);
  const [biased] = backend.run('binary', [operand(images, convolved), upload([1, 4, 1, 1])], { function: 'add' }, [
    output(images),
  ]);
  const [active] = backend.run('unary', [operand(images, biased)], { function: 'relu' }, [output(images)]);
  const low = upload([1], -0.1, 0);
  const range = upload([1], 2, 3);
  const quantizer = [operand(images, active), low, range];
  const [quantized] = backend.run('fakeQuantize', quantizer, { levels: 256 }, [output(images)]);
  const weights = upload([120, 7], -0.2, 0.2);
  const [product] = backend.run(
    'matMul',
    [operand([2, 120], quantized), weights],
    { transposeA: false, transposeB: false },
    [output([2, 7])],
  );
  const [slope] = backend.run('matMul', [operand([2, 7], product), weights], { transposeA: false, transposeB: true }, [
    output([2, 120]),
  ]);
  const gradientInputs = [operand(images, slope), ...quantizer];
  const levels = { levels: 256, levelLow: 0, levelHigh: 255 };
  const [inputGradient] = backend.run('fakeQuantizeGradient', gradientInputs, levels, [
    output(images),
    output([1]),
    output([1]),
  ]);
  const state = [operand(images, biased), operand(images, inputGradient), operand(images, active)];
  const update = { learningRate: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0.01, nesterov: true, first: false };
  const [result] = backend.run('sgdUpdate', state, update, [output(images), output(images)]);
  return { result, uploads };
}
