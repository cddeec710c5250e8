/**
 * Two-dimensional cross-correlation and its gradients.
 *
 * The pixels that each output position reads are laid out as a matrix [C / groups * kh * kw, positions] of
 * columns ("im2col"); then
 *   y  = w columns,   dw = sum over images of g columns^T,   dcolumns = w^T g,
 * each on the shared packed product. The positions are those of one image, or of several where planes are small.
 * Groups with few outputs, such as depthwise convolutions, have no matrix to speak of and take the direct loops
 * of directConvolution.ts.
 */
import type { TypedArray } from '../dtype.js';
import { type ConvolutionGeometry, convolutionGeometry } from './convolutionGeometry.js';
import { directConvolution, directFilterGradient, directInputGradient } from './directConvolution.js';
import { type MatrixView, multiplyAdd } from './gemm.js';
import {
  allocateColumns,
  forEachBlock,
  gatherColumns,
  gatherPlanes,
  scatterColumns,
  scatterPlanes,
} from './imageBlocks.js';
import type { ReferenceKernel } from './kernel.js';

/** Groups with fewer output channels than this are convolved directly. */
const SMALLEST_MATRIX = 4;

const isDirect = (geometry: ConvolutionGeometry): boolean => geometry.outputChannels < SMALLEST_MATRIX;

const matrix = (values: TypedArray, offset: number, rowStride: number): MatrixView => ({
  values,
  offset,
  rowStride,
  columnStride: 1,
});

const transpose = ({ values, offset, rowStride, columnStride }: MatrixView): MatrixView => ({
  values,
  offset,
  rowStride: columnStride,
  columnStride: rowStride,
});

export const conv2d: ReferenceKernel<'conv2d'> = ([x, w], attributes, [y]) => {
  const geometry = convolutionGeometry(x.shape, w.shape, y.shape, attributes);
  if (isDirect(geometry)) {
    directConvolution(geometry, x.values, w.values, y.values);
    return;
  }
  const { outputChannels } = geometry;
  const { columns, rows } = allocateColumns(geometry);
  forEachBlock(geometry, (block) => {
    const { width, images, filterStart, outputStart } = block;
    const pixels = gatherColumns(geometry, block, x.values, columns);
    const filter = matrix(w.values, filterStart, rows);
    // One image's planes are a matrix where they lie.
    if (images === 1) {
      multiplyAdd(outputChannels, width, rows, filter, pixels, matrix(y.values, outputStart, width));
      return;
    }
    const sums = new Float64Array(outputChannels * width);
    multiplyAdd(outputChannels, width, rows, filter, pixels, matrix(sums, 0, width));
    scatterPlanes(geometry, block, sums, y.values);
  });
};

export const conv2dInputGradient: ReferenceKernel<'conv2dInputGradient'> = ([g, w], attributes, [dx]) => {
  const geometry = convolutionGeometry(dx.shape, w.shape, g.shape, attributes);
  if (isDirect(geometry)) {
    directInputGradient(geometry, g.values, w.values, dx.values);
    return;
  }
  const { columns, rows } = allocateColumns(geometry);
  forEachBlock(geometry, (block) => {
    const { width, filterStart } = block;
    columns.fill(0);
    const gradient = gatherPlanes(geometry, block, g.values);
    const filter = matrix(w.values, filterStart, rows);
    multiplyAdd(rows, width, geometry.outputChannels, transpose(filter), gradient, matrix(columns, 0, width));
    scatterColumns(geometry, block, columns, dx.values);
  });
};

export const conv2dFilterGradient: ReferenceKernel<'conv2dFilterGradient'> = ([x, g], attributes, [dw]) => {
  const geometry = convolutionGeometry(x.shape, dw.shape, g.shape, attributes);
  if (isDirect(geometry)) {
    directFilterGradient(geometry, x.values, g.values, dw.values);
    return;
  }
  const { columns, rows } = allocateColumns(geometry);
  // The sum over the images stays in double precision.
  const sums = new Float64Array(dw.values.length);
  forEachBlock(geometry, (block) => {
    const { width, filterStart } = block;
    const pixels = gatherColumns(geometry, block, x.values, columns);
    const gradient = gatherPlanes(geometry, block, g.values);
    multiplyAdd(geometry.outputChannels, rows, width, gradient, transpose(pixels), matrix(sums, filterStart, rows));
  });
  dw.values.set(sums);
};
