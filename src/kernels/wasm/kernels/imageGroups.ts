/**
 * Planes of a group of four or eight images at once, pixel by pixel: a vector holds a pixel of four, and two vectors that
 * lie beside each other a pixel of eight. Where images are worked on alike, this uses whole vectors however small they
 * are; and two beside each other are what V8 can join.
 */
import { f32, f32x4, i32, i32x4, v128 } from '../assembler/instructions.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { emitTransposed } from './movement.js';
import { constant, emitSpans, FLOAT, floatAt, loadLanes, minimum, spanAt, storeLanes } from './spans.js';

/** Images of a group. */
export type GroupSize = 4 | 8;

export interface GroupPlanes {
  readonly group: GroupSize;
  readonly height: number;
  readonly width: number;
  /** Floats from an image to the next. */
  readonly imageFloats: number;
  /** All images. If they are no multiple of the group, the last group is not all there. */
  readonly batch: number;
}

/** Bytes of a pixel of four images. */
const VECTOR = 16;

/** Where the vectors of a pixel are, in bytes. */
export const vectorOffsets = (group: GroupSize): readonly number[] => (group === 4 ? [0] : [0, VECTOR]);

/** Bytes of `pixels` pixels of all images of a group. */
export const pixelBytes = (group: GroupSize, pixels: number): number => pixels * group * FLOAT;
export const pixelFloats = (group: GroupSize, pixels: number): number => pixels * group;

/**
 * Defines `stage(source, target, firstRow, firstImage)`: `rows` rows of `columns` pixels, of which column c is column
 * c - pad of the planes. Rows outside the planes become zero; columns outside are not written and must be zero already.
 * @param missing What stands for an image behind the last: that one again, or zeros.
 */
export function defineGroupStaging(
  module: ModuleBuilder,
  name: string,
  { group, height, width, imageFloats, batch }: GroupPlanes,
  { rows, columns, pad }: { readonly rows: number; readonly columns: number; readonly pad: number },
  missing: 'repeated' | 'zero' = 'repeated',
): number {
  const parameters = { source: 'i32', target: 'i32', firstRow: 'i32', firstImage: 'i32' } as const;
  const begin = Math.max(0, pad);
  const count = Math.max(0, Math.min(columns, width + pad) - begin);
  const whole = batch % group === 0;
  return module.function(name, parameters, (code, { source, target, firstRow, firstImage }) => {
    const images = Array.from({ length: group }, () => code.local('i32'));
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
              floatAt(source, [firstRow, width], [numbers[index], imageFloats], [constant(begin - pad), 1]),
            );
          });
          emitSpans(code, count, { overlap: true, unroll: 2 }, (span) => {
            for (const half of vectorOffsets(group)) {
              const first = half / FLOAT;
              const pixels = images.slice(first, first + 4).map((image, index) => {
                const values = loadLanes(spanAt(image, span), span.offset, span.lanes);
                return masks ? v128.and(values, masks[first + index]) : values;
              });
              emitTransposed(code, pixels)
                .slice(0, span.lanes)
                .forEach((pixel, index) => {
                  const offset = pixelBytes(group, begin + index) + group * span.offset + half;
                  code.do(v128.store(spanAt(target, span, group), pixel, offset));
                });
            }
          });
        },
        () =>
          code.repeat(
            pixelBytes(group, columns),
            (offset) => code.do(v128.store(i32.add(target, offset), zero)),
            VECTOR,
          ),
      );
      code.increase(target, pixelBytes(group, columns));
      code.increase(firstRow, 1);
    });
  });
}

/** Defines `unstage(source, target, row, firstImage)`: row `row` of the planes of a group from a row of pixels. */
export function defineGroupUnstaging(
  module: ModuleBuilder,
  name: string,
  { group, width, imageFloats, batch }: GroupPlanes,
): number {
  const parameters = { source: 'i32', target: 'i32', row: 'i32', firstImage: 'i32' } as const;
  return module.function(name, parameters, (code, { source, target, row, firstImage }) => {
    const last = code.local('i32', i32.sub(constant(batch - 1), firstImage));
    const images = Array.from({ length: group }, (_, image) =>
      code.local('i32', floatAt(target, [row, width], [constant(image), imageFloats])),
    );
    emitSpans(code, width, { overlap: true, unroll: 2 }, (span) => {
      for (const half of vectorOffsets(group)) {
        const pixels = [0, 1, 2, 3].map((index) =>
          index < span.lanes
            ? v128.load(spanAt(source, span, group), pixelBytes(group, index) + group * span.offset + half)
            : f32x4.splat(f32.const(0)),
        );
        emitTransposed(code, pixels).forEach((values, lane) => {
          const index = half / FLOAT + lane;
          const write = (): void => storeLanes(code, spanAt(images[index], span), span.offset, values, span.lanes);
          if (batch % group === 0 || index === 0) write();
          else code.if(i32.leS(constant(index), last), write);
        });
      }
    });
  });
}
