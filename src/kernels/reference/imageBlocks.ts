/**
 * Images as matrices for the convolutions: blocks of one group of some images, the columns of pixels that their
 * output positions read, and their output planes. With small planes a block has several images, side by side:
 * a product of few columns spends its time on packing the filter.
 */
import type { TypedArray } from '../dtype.js';
import type { ConvolutionGeometry } from './convolutionGeometry.js';
import type { MatrixView } from './gemm.js';

/** Number of columns that a block has where the images are small enough. */
const WIDTH = 64;

/** One group of some images. */
export interface ImageBlock {
  readonly images: number;
  /** Columns: the output positions of all images. */
  readonly width: number;
  /** Where the group's planes of the first image begin, and its filters. */
  readonly inputStart: number;
  readonly filterStart: number;
  readonly outputStart: number;
}

const largestBlock = ({ batch, outputArea }: ConvolutionGeometry): number =>
  Math.max(1, Math.min(batch, Math.floor(WIDTH / outputArea)));

/** Calls `visit` for the blocks that the batch consists of; those of the last images may be narrower. */
export function forEachBlock(geometry: ConvolutionGeometry, visit: (block: ImageBlock) => void): void {
  const { batch, groups, inputChannels, outputChannels, inputArea, outputArea, taps } = geometry;
  const largest = largestBlock(geometry);
  for (let image = 0; image < batch; image += largest) {
    const images = Math.min(largest, batch - image);
    for (let group = 0; group < groups; group++) {
      const unit = image * groups + group;
      visit({
        images,
        width: images * outputArea,
        inputStart: unit * inputChannels * inputArea,
        filterStart: group * outputChannels * inputChannels * taps.length,
        outputStart: unit * outputChannels * outputArea,
      });
    }
  }
}

/** Room for the columns of a block, whose matrix has this many rows. Entries in the padding must be and stay zero. */
export function allocateColumns(geometry: ConvolutionGeometry): { columns: Float64Array; rows: number } {
  const rows = geometry.inputChannels * geometry.taps.length;
  return { columns: new Float64Array(rows * largestBlock(geometry) * geometry.outputArea), rows };
}

/**
 * The columns of a block, [C / groups * kh * kw, width].
 * @param columns What `allocateColumns` gave, zero or filled by an earlier block.
 */
export function gatherColumns(
  geometry: ConvolutionGeometry,
  { images, width, inputStart }: ImageBlock,
  input: TypedArray,
  columns: Float64Array,
): MatrixView {
  const { groups, inputChannels, inputArea, outputArea, outputWidth, strideY, strideX, taps, pointwise } = geometry;
  if (pointwise && images === 1) {
    return { values: input, offset: inputStart, rowStride: inputArea, columnStride: 1 };
  }
  // In a narrower block the rows, and with them the zeros of the padding, are elsewhere.
  if (width * inputChannels * taps.length !== columns.length) columns.fill(0);
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < inputChannels; channel++) {
      const plane = inputStart + (image * groups * inputChannels + channel) * inputArea;
      for (const tap of taps) {
        const row = (channel * taps.length + tap.index) * width + image * outputArea;
        for (let y = tap.beginY; y < tap.endY; y++) {
          let read = plane + (y * strideY + tap.shiftY) * geometry.width + tap.beginX * strideX + tap.shiftX;
          const end = row + y * outputWidth + tap.endX;
          for (let write = row + y * outputWidth + tap.beginX; write < end; write++) {
            columns[write] = input[read];
            read += strideX;
          }
        }
      }
    }
  }
  return { values: columns, offset: 0, rowStride: width, columnStride: 1 };
}

/** The transpose of `gatherColumns`: adds the columns to the pixels they were read from. */
export function scatterColumns(
  geometry: ConvolutionGeometry,
  { images, width, inputStart }: ImageBlock,
  columns: Float64Array,
  output: TypedArray,
): void {
  const { groups, inputChannels, inputArea, outputArea, outputWidth, strideY, strideX, taps } = geometry;
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < inputChannels; channel++) {
      const plane = inputStart + (image * groups * inputChannels + channel) * inputArea;
      for (const tap of taps) {
        const row = (channel * taps.length + tap.index) * width + image * outputArea;
        for (let y = tap.beginY; y < tap.endY; y++) {
          let write = plane + (y * strideY + tap.shiftY) * geometry.width + tap.beginX * strideX + tap.shiftX;
          const end = row + y * outputWidth + tap.endX;
          for (let read = row + y * outputWidth + tap.beginX; read < end; read++) {
            output[write] += columns[read];
            write += strideX;
          }
        }
      }
    }
  }
}

/** The output planes of a block as a matrix [O / groups, width]: where they lie, or a copy. */
export function gatherPlanes(geometry: ConvolutionGeometry, block: ImageBlock, planes: TypedArray): MatrixView {
  const { images, width, outputStart } = block;
  if (images === 1) return { values: planes, offset: outputStart, rowStride: width, columnStride: 1 };
  const { groups, outputChannels, outputArea } = geometry;
  const copy = new Float64Array(outputChannels * width);
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < outputChannels; channel++) {
      let read = outputStart + (image * groups * outputChannels + channel) * outputArea;
      const begin = channel * width + image * outputArea;
      for (let write = begin; write < begin + outputArea; write++) copy[write] = planes[read++];
    }
  }
  return { values: copy, offset: 0, rowStride: width, columnStride: 1 };
}

/** Writes a matrix [O / groups, width] to the output planes of a block. */
export function scatterPlanes(
  { groups, outputChannels, outputArea }: ConvolutionGeometry,
  { images, width, outputStart }: ImageBlock,
  values: Float64Array,
  planes: TypedArray,
): void {
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < outputChannels; channel++) {
      let write = outputStart + (image * groups * outputChannels + channel) * outputArea;
      const begin = channel * width + image * outputArea;
      for (let read = begin; read < begin + outputArea; read++) planes[write++] = values[read];
    }
  }
}
