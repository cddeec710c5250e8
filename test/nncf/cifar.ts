/** The images of the shared folder, as the trained networks there take them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interpolate } from '../../src/ops/neural/interpolate.js';
import { fromValues } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { runPython } from './python.js';

const PIXELS = 32 * 32;
export const MEAN = [0.4914, 0.4822, 0.4465];
export const STD = [0.247, 0.2435, 0.2616];

export interface Images {
  /** [count, 32, 32, 3], bytes. */
  readonly bytes: Uint8Array;
  readonly labels: Int32Array;
  readonly count: number;
}

const integers = (path: string): Int32Array => {
  const bytes = readFileSync(path);
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

function readImages(folder: string, split: string): Images {
  const labels = integers(join(folder, `${split}.labels`));
  return { bytes: readFileSync(join(folder, `${split}.images`)), labels, count: labels.length };
}

/** @param epochs Number of orders of the training images. */
export function unpackImages(
  folder: string,
  archive: string,
  epochs: number,
): { train: Images; test: Images; order: Int32Array } {
  runPython('images.py', folder, { archive, epochs });
  return {
    train: readImages(folder, 'train'),
    test: readImages(folder, 'test'),
    order: integers(join(folder, 'order')),
  };
}

/** Images of these numbers, normalised and enlarged: [N, 3, size, size]. */
export function imageBatch({ bytes }: Images, indices: ArrayLike<number>, size: number): Tensor {
  const values = new Float32Array(indices.length * 3 * PIXELS);
  for (let item = 0; item < indices.length; item++) {
    for (let channel = 0; channel < 3; channel++) {
      const [mean, std] = [Math.fround(MEAN[channel]), Math.fround(STD[channel])];
      const from = indices[item] * PIXELS * 3 + channel;
      const to = (item * 3 + channel) * PIXELS;
      for (let pixel = 0; pixel < PIXELS; pixel++) {
        const share = Math.fround(bytes[from + 3 * pixel] / 255);
        values[to + pixel] = Math.fround(share - mean) / std;
      }
    }
  }
  const images = fromValues(values, [indices.length, 3, 32, 32], 'float32');
  return size === 32 ? images : interpolate(images, { size: [size, size], mode: 'bilinear' });
}

export const labelBatch = ({ labels }: Images, indices: ArrayLike<number>): Tensor =>
  fromValues(
    Int32Array.from(indices, (index) => labels[index]),
    [indices.length],
    'int32',
  );
