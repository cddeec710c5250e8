/**
 * The kernels of neural networks written straight from their definitions: one loop per index, no
 * rearrangement, double precision. Slow on purpose; what the backends are compared against.
 *
 * Every function takes tensors as shape and values and returns the values of its result.
 */
import type { Conv2dAttributes, InterpolateAttributes, KernelAttributes } from '../../src/kernels/contract.js';

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

type Shape = readonly number[];

export const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

/** Row-major position of an index. */
export const flatten = (index: Shape, shape: Shape): number =>
  index.reduce((position, each, axis) => position * shape[axis] + each, 0);

/** All indices of a shape in row-major order. */
export function* indicesOf(shape: Shape): Generator<number[]> {
  for (let position = 0; position < sizeOf(shape); position++) {
    let rest = position;
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    yield index;
  }
}

/** Fills a result of the given shape by a function of the index. */
const build = (shape: Shape, valueAt: (index: number[]) => number): Float64Array =>
  Float64Array.from(indicesOf(shape), valueAt);

export function matMul(a: Tensor, b: Tensor, attributes: KernelAttributes['matMul'], shape: Shape): Float64Array {
  const rank = shape.length;
  const depth = a.shape[attributes.transposeA ? rank - 2 : rank - 1];
  const read = ({ shape: own, values }: Tensor, batch: Shape, row: number, column: number): number => {
    const index = batch.map((each, axis) => (own[axis] === 1 ? 0 : each));
    return values[flatten([...index, row, column], own)];
  };
  return build(shape, (index) => {
    const batch = index.slice(0, -2);
    const [row, column] = index.slice(-2);
    let sum = 0;
    for (let d = 0; d < depth; d++) {
      const left = attributes.transposeA ? read(a, batch, d, row) : read(a, batch, row, d);
      const right = attributes.transposeB ? read(b, batch, column, d) : read(b, batch, d, column);
      sum += left * right;
    }
    return sum;
  });
}

/** Every product of a convolution: visit(position in x, in w, in y). */
function forEachProduct(
  [inputShape, filterShape, outputShape]: readonly Shape[],
  { strides, padsBegin, dilations, groups }: Conv2dAttributes,
  visit: (x: number, w: number, y: number) => void,
): void {
  const outputsPerGroup = filterShape[0] / groups;
  for (const [n, o, oy, ox] of indicesOf(outputShape)) {
    for (const [c, ky, kx] of indicesOf(filterShape.slice(1))) {
      const iy = oy * strides[0] - padsBegin[0] + ky * dilations[0];
      const ix = ox * strides[1] - padsBegin[1] + kx * dilations[1];
      if (iy >= 0 && iy < inputShape[2] && ix >= 0 && ix < inputShape[3]) {
        const channel = Math.floor(o / outputsPerGroup) * filterShape[1] + c;
        visit(
          flatten([n, channel, iy, ix], inputShape),
          flatten([o, c, ky, kx], filterShape),
          flatten([n, o, oy, ox], outputShape),
        );
      }
    }
  }
}

export function conv2d(x: Tensor, w: Tensor, attributes: Conv2dAttributes, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  forEachProduct([x.shape, w.shape, shape], attributes, (input, filter, output) => {
    result[output] += x.values[input] * w.values[filter];
  });
  return result;
}

export function conv2dInputGradient(g: Tensor, w: Tensor, attributes: Conv2dAttributes, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  forEachProduct([shape, w.shape, g.shape], attributes, (input, filter, output) => {
    result[input] += g.values[output] * w.values[filter];
  });
  return result;
}

export function conv2dFilterGradient(x: Tensor, g: Tensor, attributes: Conv2dAttributes, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  forEachProduct([x.shape, shape, g.shape], attributes, (input, filter, output) => {
    result[filter] += g.values[output] * x.values[input];
  });
  return result;
}

/** Positions on an axis that a window covers, in the padding or not. */
const windowPositions = (output: number, kernel: number, stride: number, padBegin: number, dilation = 1): number[] =>
  Array.from({ length: kernel }, (_, position) => output * stride - padBegin + position * dilation);

export function maxPool2d(
  x: Tensor,
  { kernel, strides, padsBegin, dilations }: KernelAttributes['maxPool2d'],
  shape: Shape,
): { values: Float64Array; indices: Int32Array } {
  const [, , height, width] = x.shape;
  const indices = new Int32Array(sizeOf(shape));
  const values = build(shape, (index) => {
    const [n, c, oy, ox] = index;
    const candidates: { value: number; position: number }[] = [];
    for (const y of windowPositions(oy, kernel[0], strides[0], padsBegin[0], dilations[0])) {
      for (const column of windowPositions(ox, kernel[1], strides[1], padsBegin[1], dilations[1])) {
        if (y >= 0 && y < height && column >= 0 && column < width) {
          candidates.push({ value: x.values[flatten([n, c, y, column], x.shape)], position: y * width + column });
        }
      }
    }
    const largest = Math.max(...candidates.map(({ value }) => value));
    const first = candidates.find(({ value }) => value === largest || Number.isNaN(value));
    indices[flatten(index, shape)] = first?.position ?? -1;
    return first?.value ?? Number.NEGATIVE_INFINITY;
  });
  return { values, indices };
}

export function maxPool2dGradient(g: Tensor, indices: Tensor, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  for (const index of indicesOf(g.shape)) {
    const position = indices.values[flatten(index, g.shape)];
    if (position >= 0) {
      const pixel = [index[0], index[1], Math.floor(position / shape[3]), position % shape[3]];
      result[flatten(pixel, shape)] += g.values[flatten(index, g.shape)];
    }
  }
  return result;
}

/** For each output pixel of a pooling by average: the pixels it averages and what it divides by. */
type AverageWindow = (oy: number, ox: number) => { pixels: [number, number][]; divisor: number };

function averageWindow(
  [, , height, width]: Shape,
  { kernel, strides, padsBegin, padsEnd, excludePad }: KernelAttributes['avgPool2d'],
): AverageWindow {
  return (oy, ox) => {
    const pixels: [number, number][] = [];
    let padded = 0;
    for (const y of windowPositions(oy, kernel[0], strides[0], padsBegin[0])) {
      for (const x of windowPositions(ox, kernel[1], strides[1], padsBegin[1])) {
        padded += y < height + padsEnd[0] && x < width + padsEnd[1] ? 1 : 0;
        if (y >= 0 && y < height && x >= 0 && x < width) {
          pixels.push([y, x]);
        }
      }
    }
    return { pixels, divisor: excludePad ? pixels.length : padded };
  };
}

function adaptiveWindow([, , height, width]: Shape, [, , outputHeight, outputWidth]: Shape): AverageWindow {
  return (oy, ox) => {
    const pixels: [number, number][] = [];
    for (let y = Math.floor((oy * height) / outputHeight); y < Math.ceil(((oy + 1) * height) / outputHeight); y++) {
      for (let x = Math.floor((ox * width) / outputWidth); x < Math.ceil(((ox + 1) * width) / outputWidth); x++) {
        pixels.push([y, x]);
      }
    }
    return { pixels, divisor: pixels.length };
  };
}

const average = (x: Tensor, window: AverageWindow, shape: Shape): Float64Array =>
  build(shape, ([n, c, oy, ox]) => {
    const { pixels, divisor } = window(oy, ox);
    const sum = pixels.reduce((total, [y, column]) => total + x.values[flatten([n, c, y, column], x.shape)], 0);
    return pixels.length === 0 ? 0 : sum / divisor;
  });

function spread(g: Tensor, window: AverageWindow, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  for (const [n, c, oy, ox] of indicesOf(g.shape)) {
    const { pixels, divisor } = window(oy, ox);
    for (const [y, x] of pixels) {
      result[flatten([n, c, y, x], shape)] += g.values[flatten([n, c, oy, ox], g.shape)] / divisor;
    }
  }
  return result;
}

export const avgPool2d = (x: Tensor, attributes: KernelAttributes['avgPool2d'], shape: Shape): Float64Array =>
  average(x, averageWindow(x.shape, attributes), shape);

export const avgPool2dGradient = (g: Tensor, attributes: KernelAttributes['avgPool2d'], shape: Shape): Float64Array =>
  spread(g, averageWindow(shape, attributes), shape);

export const adaptiveAvgPool2d = (x: Tensor, shape: Shape): Float64Array =>
  average(x, adaptiveWindow(x.shape, shape), shape);

export const adaptiveAvgPool2dGradient = (g: Tensor, shape: Shape): Float64Array =>
  spread(g, adaptiveWindow(shape, g.shape), shape);

/** Calls `visit` with the positions of all elements that share the index on every axis but `axes`. */
function forEachGroup(shape: Shape, axes: Shape, visit: (positions: number[], keptIndex: number[]) => void): void {
  const groups = new Map<string, { positions: number[]; keptIndex: number[] }>();
  for (const index of indicesOf(shape)) {
    const keptIndex = index.filter((_, axis) => !axes.includes(axis));
    const group = groups.get(keptIndex.join()) ?? { positions: [], keptIndex };
    group.positions.push(flatten(index, shape));
    groups.set(keptIndex.join(), group);
  }
  for (const { positions, keptIndex } of groups.values()) {
    visit(positions, keptIndex);
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function batchNorm(
  x: Tensor,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  epsilon: number,
): { values: Float64Array; mean: Float64Array; variance: Float64Array } {
  const result = {
    values: new Float64Array(x.values.length),
    mean: new Float64Array(gamma.length),
    variance: new Float64Array(gamma.length),
  };
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  forEachGroup(x.shape, axes, (positions, [channel]) => {
    const center = mean(positions.map((position) => x.values[position]));
    const variance = mean(positions.map((position) => (x.values[position] - center) ** 2));
    result.mean[channel] = center;
    result.variance[channel] = variance;
    for (const position of positions) {
      const normalized = (x.values[position] - center) / Math.sqrt(variance + epsilon);
      result.values[position] = normalized * gamma[channel] + beta[channel];
    }
  });
  return result;
}

export function mvn(x: Tensor, { axes, epsilon }: KernelAttributes['mvn']): Float64Array {
  const result = new Float64Array(x.values.length);
  forEachGroup(x.shape, axes, (positions) => {
    const center = mean(positions.map((position) => x.values[position]));
    const variance = mean(positions.map((position) => (x.values[position] - center) ** 2));
    for (const position of positions) {
      result[position] = (x.values[position] - center) / Math.sqrt(variance + epsilon);
    }
  });
  return result;
}

export function softmax(x: Tensor, axis: number): Float64Array {
  const result = new Float64Array(x.values.length);
  forEachGroup(x.shape, [axis], (positions) => {
    const largest = Math.max(...positions.map((position) => x.values[position]));
    const total = positions.reduce((sum, position) => sum + Math.exp(x.values[position] - largest), 0);
    for (const position of positions) {
      result[position] = Math.exp(x.values[position] - largest) / total;
    }
  });
  return result;
}

export function logSoftmax(x: Tensor, axis: number): Float64Array {
  const result = new Float64Array(x.values.length);
  forEachGroup(x.shape, [axis], (positions) => {
    const largest = Math.max(...positions.map((position) => x.values[position]));
    const total = positions.reduce((sum, position) => sum + Math.exp(x.values[position] - largest), 0);
    for (const position of positions) {
      result[position] = x.values[position] - largest - Math.log(total);
    }
  });
  return result;
}

/** Every weight of an interpolation: visit(position in x, position in y, weight). */
function forEachWeight(
  inputShape: Shape,
  outputShape: Shape,
  { mode, coordinates, steps }: InterpolateAttributes,
  visit: (x: number, y: number, weight: number) => void,
): void {
  const weights = (output: number, extent: number, outputs: number, step: number): [number, number][] => {
    const halfPixel = (output + 0.5) * step - 0.5;
    const coordinate = {
      asymmetric: output * step,
      align_corners: output * step,
      half_pixel: halfPixel,
      pytorch_half_pixel: outputs === 1 ? 0 : halfPixel,
    }[coordinates];
    const clamp = (value: number): number => Math.max(0, Math.min(extent - 1, value));
    if (mode === 'nearest') {
      return [[clamp(Math.floor(coordinates === 'asymmetric' ? coordinate : coordinate + 0.5)), 1]];
    }
    // A tent of width one around each pixel.
    return Array.from({ length: extent }, (_, pixel): [number, number] => [
      pixel,
      Math.max(0, 1 - Math.abs(clamp(coordinate) - pixel)),
    ]);
  };
  for (const [n, c, oy, ox] of indicesOf(outputShape)) {
    for (const [y, weightY] of weights(oy, inputShape[2], outputShape[2], steps[0])) {
      for (const [x, weightX] of weights(ox, inputShape[3], outputShape[3], steps[1])) {
        visit(flatten([n, c, y, x], inputShape), flatten([n, c, oy, ox], outputShape), weightY * weightX);
      }
    }
  }
}

export function interpolate(x: Tensor, attributes: InterpolateAttributes, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  forEachWeight(x.shape, shape, attributes, (input, output, weight) => {
    result[output] += weight * x.values[input];
  });
  return result;
}

export function interpolateGradient(g: Tensor, attributes: InterpolateAttributes, shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  forEachWeight(shape, g.shape, attributes, (input, output, weight) => {
    result[input] += weight * g.values[output];
  });
  return result;
}
