/**
 * Two-dimensional cross-correlation and its gradients.
 *
 * One image and group at a time, the pixels that each output position reads are laid out as a matrix
 * [C / groups * kh * kw, H' * W'] of columns ("im2col"); then
 *   y  = w columns,   dw = sum over images of g columns^T,   dcolumns = w^T g,
 * each on the shared packed product. Groups with few outputs, such as depthwise convolutions, have no
 * matrix to speak of and take the direct loops of directConvolution.ts.
 */
import type { TypedArray } from '../dtype.js';
import { type ConvolutionGeometry, convolutionGeometry } from './convolutionGeometry.js';
import { directConvolution, directFilterGradient, directInputGradient } from './directConvolution.js';
import { type MatrixView, multiplyAdd } from './gemm.js';
import type { ReferenceKernel } from './kernel.js';

/** Groups with fewer output channels than this are convolved directly. */
const SMALLEST_MATRIX = 4;

const isDirect = (geometry: ConvolutionGeometry): boolean => geometry.outputChannels < SMALLEST_MATRIX;

const columnRows = ({ inputChannels, taps }: ConvolutionGeometry): number => inputChannels * taps.length;

/** Room for the columns of one image and group. Entries in the padding are never written: they stay zero. */
const allocateColumns = (geometry: ConvolutionGeometry): Float64Array =>
  new Float64Array(geometry.pointwise ? 0 : columnRows(geometry) * geometry.outputArea);

const matrix = (values: TypedArray, offset: number, rowStride: number): MatrixView => ({
  values,
  offset,
  rowStride,
  columnStride: 1,
});

/** Fills the columns from the group's planes, which start at `start`. */
function gatherColumns(geometry: ConvolutionGeometry, input: TypedArray, start: number, columns: Float64Array): void {
  const { inputChannels, inputArea, outputArea, outputWidth, width, strideY, strideX, taps } = geometry;
  for (let channel = 0; channel < inputChannels; channel++) {
    const plane = start + channel * inputArea;
    for (const tap of taps) {
      const row = (channel * taps.length + tap.index) * outputArea;
      for (let y = tap.beginY; y < tap.endY; y++) {
        let read = plane + (y * strideY + tap.shiftY) * width + tap.beginX * strideX + tap.shiftX;
        const end = row + y * outputWidth + tap.endX;
        for (let write = row + y * outputWidth + tap.beginX; write < end; write++) {
          columns[write] = input[read];
          read += strideX;
        }
      }
    }
  }
}

/** The transpose of `gatherColumns`: adds the columns to the pixels they were read from. */
function scatterColumns(geometry: ConvolutionGeometry, columns: Float64Array, output: TypedArray, start: number): void {
  const { inputChannels, inputArea, outputArea, outputWidth, width, strideY, strideX, taps } = geometry;
  for (let channel = 0; channel < inputChannels; channel++) {
    const plane = start + channel * inputArea;
    for (const tap of taps) {
      const row = (channel * taps.length + tap.index) * outputArea;
      for (let y = tap.beginY; y < tap.endY; y++) {
        let write = plane + (y * strideY + tap.shiftY) * width + tap.beginX * strideX + tap.shiftX;
        const end = row + y * outputWidth + tap.endX;
        for (let read = row + y * outputWidth + tap.beginX; read < end; read++) {
          output[write] += columns[read];
          write += strideX;
        }
      }
    }
  }
}

/** Calls `visit` for every image and group with the starts of its input planes, filters and output planes. */
function forEachGroup(
  { batch, groups, inputChannels, outputChannels, inputArea, outputArea, taps }: ConvolutionGeometry,
  visit: (inputStart: number, filterStart: number, outputStart: number) => void,
): void {
  for (let image = 0; image < batch; image++) {
    for (let group = 0; group < groups; group++) {
      const unit = image * groups + group;
      visit(
        unit * inputChannels * inputArea,
        group * outputChannels * inputChannels * taps.length,
        unit * outputChannels * outputArea,
      );
    }
  }
}

export const conv2d: ReferenceKernel<'conv2d'> = ([x, w], attributes, [y]) => {
  const geometry = convolutionGeometry(x.shape, w.shape, y.shape, attributes);
  if (isDirect(geometry)) {
    directConvolution(geometry, x.values, w.values, y.values);
    return;
  }
  const { outputChannels, outputArea, pointwise } = geometry;
  const rows = columnRows(geometry);
  const columns = allocateColumns(geometry);
  forEachGroup(geometry, (inputStart, filterStart, outputStart) => {
    if (!pointwise) {
      gatherColumns(geometry, x.values, inputStart, columns);
    }
    const pixels = pointwise ? matrix(x.values, inputStart, outputArea) : matrix(columns, 0, outputArea);
    const filter = matrix(w.values, filterStart, rows);
    multiplyAdd(outputChannels, outputArea, rows, filter, pixels, matrix(y.values, outputStart, outputArea));
  });
};

export const conv2dInputGradient: ReferenceKernel<'conv2dInputGradient'> = ([g, w], attributes, [dx]) => {
  const geometry = convolutionGeometry(dx.shape, w.shape, g.shape, attributes);
  if (isDirect(geometry)) {
    directInputGradient(geometry, g.values, w.values, dx.values);
    return;
  }
  const { outputChannels, outputArea, pointwise } = geometry;
  const rows = columnRows(geometry);
  const columns = allocateColumns(geometry);
  forEachGroup(geometry, (inputStart, filterStart, outputStart) => {
    columns.fill(0);
    const pixels = pointwise ? matrix(dx.values, inputStart, outputArea) : matrix(columns, 0, outputArea);
    const transposed = { values: w.values, offset: filterStart, rowStride: 1, columnStride: rows };
    multiplyAdd(rows, outputArea, outputChannels, transposed, matrix(g.values, outputStart, outputArea), pixels);
    if (!pointwise) {
      scatterColumns(geometry, columns, dx.values, inputStart);
    }
  });
};

export const conv2dFilterGradient: ReferenceKernel<'conv2dFilterGradient'> = ([x, g], attributes, [dw]) => {
  const geometry = convolutionGeometry(x.shape, dw.shape, g.shape, attributes);
  if (isDirect(geometry)) {
    directFilterGradient(geometry, x.values, g.values, dw.values);
    return;
  }
  const { outputChannels, outputArea, pointwise } = geometry;
  const rows = columnRows(geometry);
  const columns = allocateColumns(geometry);
  // The sum over the images stays in double precision.
  const sums = new Float64Array(dw.values.length);
  forEachGroup(geometry, (inputStart, filterStart, outputStart) => {
    if (!pointwise) {
      gatherColumns(geometry, x.values, inputStart, columns);
    }
    const transposed = {
      values: pointwise ? x.values : columns,
      offset: pointwise ? inputStart : 0,
      rowStride: 1,
      columnStride: outputArea,
    };
    const gradient = matrix(g.values, outputStart, outputArea);
    multiplyAdd(outputChannels, rows, outputArea, gradient, transposed, matrix(sums, filterStart, rows));
  });
  dw.values.set(sums);
};
