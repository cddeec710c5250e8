/**
 * Staged planes as a matrix [channels * window, pixels] of columns, and back: gathering fills the columns with what each
 * pixel's window sees, scattering adds the columns to where they were read from.
 */
import { f32x4, type I32, i32 } from '../assembler/instructions.js';
import type { ModuleBuilder } from '../assembler/module.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { constant, emitLoop, emitSpanPairs, FLOAT, floatAt, loadLanes, spanAt, storeSpans } from './spans.js';
import { type Staging, stagedColumn, stagedPlane, stagedRow } from './staging.js';

export interface ColumnsLayout {
  readonly shape: ConvolutionShape;
  readonly staging: Staging;
  /** Channels that an image has in the staged planes. */
  readonly channels: number;
  /** Floats from one row of the columns to the next. */
  readonly stride: number;
}

/** Staged rows from one row of outputs to the next. */
export const lineStep = ({ strides }: ConvolutionShape, { rowStep }: Staging): number => strides[0] / rowStep;

/**
 * Defines `move(staged, columns, channels, images, lines)`. `staged` is the first image's first channel, at the row
 * where the first line's windows begin.
 */
export function defineColumns(
  module: ModuleBuilder,
  name: string,
  { shape, staging, channels: allChannels, stride }: ColumnsLayout,
  direction: 'gather' | 'scatter',
): number {
  const { outputWidth, kernelWidth, taps, dilations } = shape;
  const rowFloats = stagedRow(staging);
  const parameters = { staged: 'i32', columns: 'i32', channels: 'i32', images: 'i32', lines: 'i32' } as const;
  return module.function(name, parameters, (code, { staged, columns, channels, images, lines }) => {
    const window = code.local('i32');
    const pixel = code.local('i32');
    const place = code.local('i32');
    emitLoop(code, channels, () => {
      code.repeat(taps, (tap) => {
        const y = i32.divU(tap, constant(kernelWidth));
        const x = i32.mul(i32.remU(tap, constant(kernelWidth)), constant(dilations[1]));
        code.set(window, floatAt(staged, [y, dilations[0] * rowFloats], [stagedColumn(staging, x), 1]));
        code.set(place, columns);
        emitLoop(code, images, (image) => {
          code.set(pixel, floatAt(window, [image, allChannels * stagedPlane(staging)]));
          emitLoop(code, lines, () => {
            emitSpanPairs(code, outputWidth, { overlap: direction === 'gather' }, (spans) => {
              const [inImage, inColumns] = [pixel, place].map((base) => code.local('i32', spanAt(base, spans[0])));
              const read = (address: I32) => spans.map(({ offset, lanes }) => loadLanes(address, offset, lanes));
              if (direction === 'gather') {
                storeSpans(code, place, spans, read(inImage));
              } else {
                const added = read(inColumns);
                storeSpans(
                  code,
                  pixel,
                  spans,
                  read(inImage).map((value, index) => f32x4.add(value, added[index])),
                );
              }
            });
            code.increase(pixel, lineStep(shape, staging) * rowFloats * FLOAT);
            code.increase(place, outputWidth * FLOAT);
          });
        });
        code.increase(columns, stride * FLOAT);
      });
      code.increase(staged, stagedPlane(staging) * FLOAT);
    });
  });
}
