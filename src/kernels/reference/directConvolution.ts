/**
 * Convolution and its gradients without a matrix: one pass over the plane per weight. Meant for groups
 * with few output channels (depthwise), right for any. Sums are double and are rounded once.
 */
import type { TypedArray } from '../dtype.js';
import type { ConvolutionGeometry } from './convolutionGeometry.js';

/** y [N, O, H', W'] from x [N, C, H, W] and w [O, C / groups, kh, kw]. */
export function directConvolution(geometry: ConvolutionGeometry, x: TypedArray, w: TypedArray, y: TypedArray): void {
  const { batch, groups, inputChannels, outputChannels, inputArea, outputArea } = geometry;
  const { outputWidth, width, strideY, strideX, taps } = geometry;
  const sums = new Float64Array(outputArea);
  for (let output = 0; output < batch * groups * outputChannels; output++) {
    const channel = output % (groups * outputChannels);
    const unit = Math.floor(output / outputChannels);
    sums.fill(0);
    for (let c = 0; c < inputChannels; c++) {
      const plane = (unit * inputChannels + c) * inputArea;
      for (const tap of taps) {
        const weight = w[(channel * inputChannels + c) * taps.length + tap.index];
        for (let row = tap.beginY; row < tap.endY; row++) {
          let read = plane + (row * strideY + tap.shiftY) * width + tap.beginX * strideX + tap.shiftX;
          const end = row * outputWidth + tap.endX;
          for (let write = row * outputWidth + tap.beginX; write < end; write++) {
            sums[write] += weight * x[read];
            read += strideX;
          }
        }
      }
    }
    y.set(sums, output * outputArea);
  }
}

/** dx [N, C, H, W] from g [N, O, H', W'] and w [O, C / groups, kh, kw]. */
export function directInputGradient(geometry: ConvolutionGeometry, g: TypedArray, w: TypedArray, dx: TypedArray): void {
  const { batch, groups, inputChannels, outputChannels, inputArea, outputArea } = geometry;
  const { outputWidth, width, strideY, strideX, taps } = geometry;
  const sums = new Float64Array(inputArea);
  for (let input = 0; input < batch * groups * inputChannels; input++) {
    const c = input % inputChannels;
    const unit = Math.floor(input / inputChannels);
    sums.fill(0);
    for (let o = 0; o < outputChannels; o++) {
      const plane = (unit * outputChannels + o) * outputArea;
      const channel = (unit % groups) * outputChannels + o;
      for (const tap of taps) {
        const weight = w[(channel * inputChannels + c) * taps.length + tap.index];
        for (let row = tap.beginY; row < tap.endY; row++) {
          let write = (row * strideY + tap.shiftY) * width + tap.beginX * strideX + tap.shiftX;
          const end = plane + row * outputWidth + tap.endX;
          for (let read = plane + row * outputWidth + tap.beginX; read < end; read++) {
            sums[write] += weight * g[read];
            write += strideX;
          }
        }
      }
    }
    dx.set(sums, input * inputArea);
  }
}

/** dw [O, C / groups, kh, kw] from x [N, C, H, W] and g [N, O, H', W']. */
export function directFilterGradient(
  geometry: ConvolutionGeometry,
  x: TypedArray,
  g: TypedArray,
  dw: TypedArray,
): void {
  const { batch, groups, inputChannels, outputChannels, inputArea, outputArea } = geometry;
  const { outputWidth, width, strideY, strideX, taps } = geometry;
  for (let filter = 0; filter < groups * outputChannels * inputChannels; filter++) {
    const c = filter % inputChannels;
    const channel = Math.floor(filter / inputChannels);
    const group = Math.floor(channel / outputChannels);
    for (const tap of taps) {
      let sum = 0;
      for (let image = 0; image < batch; image++) {
        const inputPlane = ((image * groups + group) * inputChannels + c) * inputArea;
        const outputPlane = (image * groups * outputChannels + channel) * outputArea;
        for (let row = tap.beginY; row < tap.endY; row++) {
          let read = inputPlane + (row * strideY + tap.shiftY) * width + tap.beginX * strideX + tap.shiftX;
          const end = outputPlane + row * outputWidth + tap.endX;
          for (let position = outputPlane + row * outputWidth + tap.beginX; position < end; position++) {
            sum += x[read] * g[position];
            read += strideX;
          }
        }
      }
      dw[filter * taps.length + tap.index] = sum;
    }
  }
}
