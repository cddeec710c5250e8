/**
 * Planes of four images at once, pixel by pixel: a vector holds a pixel of each. Where four images are worked on alike,
 * this uses whole vectors however small the images are.
 */
import { f32, f32x4, i32, i32x4, v128 } from '../assembler/instructions.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { emitTransposed } from './movement.js';
import { constant, emitSpans, FLOAT, floatAt, loadLanes, minimum, spanAt, storeLanes } from './spans.js';

export interface QuadPlanes {
  readonly height: number;
  readonly width: number;
  /** Floats from an image to the next. */
  readonly imageFloats: number;
  /** All images. If they are no multiple of four, the last four are not all there. */
  readonly batch: number;
}

/** Bytes of a pixel of four images. */
const PIXEL = 16;

/**
 * Defines `stage(source, target, firstRow, firstImage)`: `rows` rows of `columns` pixels, of which column c is column
 * c - pad of the planes. Rows outside the planes become zero; columns outside are not written and must be zero already.
 * @param missing What stands for an image behind the last: that one again, or zeros.
 */
export function defineQuadStaging(
  module: ModuleBuilder,
  name: string,
  { height, width, imageFloats, batch }: QuadPlanes,
  { rows, columns, pad }: { readonly rows: number; readonly columns: number; readonly pad: number },
  missing: 'repeated' | 'zero' = 'repeated',
): number {
  const parameters = { source: 'i32', target: 'i32', firstRow: 'i32', firstImage: 'i32' } as const;
  const first = Math.max(0, pad);
  const count = Math.max(0, Math.min(columns, width + pad) - first);
  const whole = batch % 4 === 0;
  return module.function(name, parameters, (code, { source, target, firstRow, firstImage }) => {
    const images = [0, 1, 2, 3].map(() => code.local('i32'));
    const last = code.local('i32', i32.sub(constant(batch - 1), firstImage));
    const numbers = images.map((_, index) =>
      whole ? constant(index) : code.local('i32', minimum(constant(index), last)),
    );
    const masks =
      whole || missing === 'repeated'
        ? null
        : images.map((_, index) =>
            code.local('v128', i32x4.splat(i32.sub(constant(0), i32.leS(constant(index), last)))),
          );
    const zero = code.local('v128', f32x4.splat(f32.const(0)));
    code.repeat(rows, () => {
      code.if(
        i32.ltU(firstRow, constant(height)),
        () => {
          images.forEach((image, index) => {
            code.set(
              image,
              floatAt(source, [firstRow, width], [numbers[index], imageFloats], [constant(first - pad), 1]),
            );
          });
          emitSpans(code, count, { overlap: true, unroll: 2 }, (span) => {
            const pixels = images.map((image, index) => {
              const values = loadLanes(spanAt(image, span), span.offset, span.lanes);
              return masks ? v128.and(values, masks[index]) : values;
            });
            emitTransposed(code, pixels)
              .slice(0, span.lanes)
              .forEach((pixel, index) => {
                const offset = (first + index) * PIXEL + 4 * span.offset;
                code.do(v128.store(spanAt(target, span, 4), pixel, offset));
              });
          });
        },
        () => code.repeat(columns * PIXEL, (offset) => code.do(v128.store(i32.add(target, offset), zero)), PIXEL),
      );
      code.increase(target, columns * PIXEL);
      code.increase(firstRow, 1);
    });
  });
}

/** Defines `unstage(source, target, row, firstImage)`: row `row` of the four planes from a row of pixels. */
export function defineQuadUnstaging(
  module: ModuleBuilder,
  name: string,
  { width, imageFloats, batch }: QuadPlanes,
): number {
  const parameters = { source: 'i32', target: 'i32', row: 'i32', firstImage: 'i32' } as const;
  return module.function(name, parameters, (code, { source, target, row, firstImage }) => {
    const last = code.local('i32', i32.sub(constant(batch - 1), firstImage));
    const images = [0, 1, 2, 3].map((image) =>
      code.local('i32', floatAt(target, [row, width], [constant(image), imageFloats])),
    );
    emitSpans(code, width, { overlap: true, unroll: 2 }, (span) => {
      const pixels = [0, 1, 2, 3].map((index) =>
        index < span.lanes
          ? v128.load(spanAt(source, span, 4), index * PIXEL + 4 * span.offset)
          : f32x4.splat(f32.const(0)),
      );
      emitTransposed(code, pixels).forEach((values, index) => {
        const write = (): void => storeLanes(code, spanAt(images[index], span), span.offset, values, span.lanes);
        if (batch % 4 === 0 || index === 0) write();
        else code.if(i32.leS(constant(index), last), write);
      });
    });
  });
}

export const pixelBytes = (pixels: number): number => pixels * PIXEL;
export const pixelFloats = (pixels: number): number => (pixels * PIXEL) / FLOAT;
