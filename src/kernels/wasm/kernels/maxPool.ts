/**
 * Maximum pooling: values and positions, four neighbouring windows at a time on a staged plane, and its gradient. The
 * padding is minus infinity at a negative position, so that it never replaces a pixel and every pixel replaces it.
 */
import type { KernelAttributes } from '../../contract.js';
import { f32, f32x4, type I32, i32, i32x4, select, v128 } from '../assembler/instructions.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { emitLanes, laneCount, ScratchLayout, zerosCall } from './lanes.js';
import { constant, emitFill, emitSpanPairs, FLOAT, floatAt, spanAt, storeSpans, times } from './spans.js';
import { defineStaging, phaseOf, phaseSpan, stagedPlane, stagedRow, stagingFor } from './staging.js';
import { integers, keep, splat } from './vectors.js';

/** Added to a position for each axis on which it is outside the image. Twice this still fits. */
const OUTSIDE = -(2 ** 30);

const attributesKey = (attributes: KernelAttributes['maxPool2d']): string =>
  [attributes.kernel, attributes.strides, attributes.padsBegin, attributes.dilations].join(' ');

const POOL_PARAMETERS = kernelParameters(['input', 'values', 'indices', 'scratch']);

export const maxPool2d: WasmKernel<'maxPool2d'> = ([x], attributes, [values, indices]) => {
  if (x.dtype !== 'float32' || values.dtype !== 'float32' || indices.dtype !== 'int32') return null;
  // A batch without pixels has windows only where padding allows them: rare enough for the reference.
  if (sizeOf(x.shape) === 0 && sizeOf(values.shape) > 0) return null;
  const { kernel, strides, padsBegin, dilations } = attributes;
  const [batch, channels, height, width] = x.shape;
  const [, , outputHeight, outputWidth] = values.shape;
  const window = {
    ...{ height, width, outputWidth, strides, dilations },
    ...{ kernelHeight: kernel[0], kernelWidth: kernel[1], pads: padsBegin },
  };
  const staging = stagingFor(window, Math.max(1, outputHeight));
  const rowFloats = stagedRow(staging);
  const items = sizeOf(values.shape) === 0 ? 0 : batch * channels;
  const layout = new ScratchLayout({ staged: stagedPlane(staging), columns: rowFloats });
  return {
    key: `maxPool2d ${x.shape.join('x')} ${values.shape.join('x')} ${attributesKey(attributes)}`,
    phases: [
      { name: 'pool', units: laneCount(items, layout.bytes), cost: sizeOf(values.shape) * kernel[0] * kernel[1] * 4 },
    ],
    scratchBytes: Math.max(1, laneCount(items, layout.bytes)) * layout.bytes,
    build(module) {
      const stage = defineStaging(module, 'stage', staging, Number.NEGATIVE_INFINITY);
      module.function('pool', POOL_PARAMETERS, (code, parameters) => {
        const { input, values: valuesAddress, indices: indicesAddress } = parameters;
        const [line, value, index] = [code.local('i32'), code.local('i32'), code.local('i32')];
        const [candidate, place] = [code.local('i32'), code.local('i32')];
        const row = code.local('i32');
        const vectors = [0, 1].map(() => ({ best: code.local('v128'), bestPosition: code.local('v128') }));
        const rowPosition = code.local('v128');
        if (items === 0) return;
        emitLanes(code, parameters, items, layout.bytes, (base, forItems) => {
          const { staged, columns } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedPlane(staging)), Number.NEGATIVE_INFINITY);
          code.repeat(rowFloats, (element) => code.do(i32.store(floatAt(columns, [element, 1]), constant(OUTSIDE))));
          for (let phase = 0; phase < staging.phases; phase++) {
            const { first, column, count } = phaseSpan(staging, phase);
            code.repeat(count, (element) => {
              const at = floatAt(columns, [element, 1]);
              const source = i32.add(times(element, staging.stride), constant(column));
              code.do(i32.store(at, source, (phase * staging.phaseWidth + first) * FLOAT));
            });
          }
          forItems((plane) => {
            code.call(stage, floatAt(input, [plane, height * width]), staged, constant(-padsBegin[0]), constant(1));
            code.set(line, staged);
            code.set(value, floatAt(valuesAddress, [plane, outputHeight * outputWidth]));
            code.set(index, floatAt(indicesAddress, [plane, outputHeight * outputWidth]));
            code.repeat(outputHeight, (outputRow) => {
              emitSpanPairs(code, outputWidth, { overlap: true, unroll: 1 }, (spans) => {
                const here = vectors.slice(0, spans.length);
                for (const { best, bestPosition } of here) {
                  code.set(best, splat(code, Number.NEGATIVE_INFINITY));
                  code.set(bestPosition, integers(code, -1));
                }
                code.set(candidate, spanAt(line, spans[0]));
                code.set(place, spanAt(columns, spans[0]));
                code.set(row, i32.sub(times(outputRow, strides[0]), constant(padsBegin[0])));
                code.repeat(kernel[0], () => {
                  const inside = i32.ltU(row, constant(height));
                  code.set(rowPosition, i32x4.splat(select(times(row, width), constant(OUTSIDE), inside)));
                  code.temporaries(() => {
                    for (let kx = 0; kx < kernel[1]; kx++) {
                      const { phase, shift } = phaseOf(strides[1], kx * dilations[1]);
                      const first = (phase * staging.phaseWidth + shift) * FLOAT;
                      here.forEach(({ best, bestPosition }, index) => {
                        const offset = first + spans[index].offset;
                        const seen = keep(code, v128.load(candidate, offset));
                        const position = keep(code, i32x4.add(v128.load(place, offset), rowPosition));
                        // The first pixel, a larger one, or the first NaN.
                        const firstNaN = v128.and(f32x4.ne(seen, seen), f32x4.eq(best, best));
                        const none = i32x4.shrS(bestPosition, constant(31));
                        const take = keep(code, v128.or(v128.or(f32x4.gt(seen, best), none), firstNaN));
                        code.set(best, v128.bitselect(seen, best, take));
                        code.set(bestPosition, v128.bitselect(position, bestPosition, take));
                      });
                    }
                  });
                  code.increase(candidate, (dilations[0] / staging.rowStep) * rowFloats * FLOAT);
                  code.increase(row, dilations[0]);
                });
                const known = here.map(({ bestPosition }) => i32x4.maxS(bestPosition, integers(code, -1)));
                storeSpans(
                  code,
                  value,
                  spans,
                  here.map(({ best }) => best),
                );
                storeSpans(code, index, spans, known);
              });
              code.increase(line, (strides[0] / staging.rowStep) * rowFloats * FLOAT);
              code.increase(value, outputWidth * FLOAT);
              code.increase(index, outputWidth * FLOAT);
            });
          });
        });
      });
    },
  };
};

const GRADIENT_PARAMETERS = kernelParameters(['gradient', 'indices', 'output']);

export const maxPool2dGradient: WasmKernel<'maxPool2dGradient'> = ([g, indices], _attributes, [dx]) => {
  if (g.dtype !== 'float32' || indices.dtype !== 'int32' || dx.dtype !== 'float32') return null;
  if (sizeOf(g.shape) === 0) return zerosCall(2, dx);
  const [batch, channels, height, width] = dx.shape;
  const outputs = g.shape[2] * g.shape[3];
  return {
    key: `maxPool2dGradient ${g.shape.join('x')} ${dx.shape.join('x')}`,
    phases: [{ name: 'scatter', units: batch * channels }],
    build(module) {
      module.function('scatter', GRADIENT_PARAMETERS, (code, { gradient, indices: positions, output, begin, end }) => {
        const plane = code.local('i32', begin);
        const [from, position, target] = [code.local('i32'), code.local('i32'), code.local('i32')];
        const pixel = code.local('i32');
        code.countTo(plane, end, 1, () => {
          code.set(target, floatAt(output, [plane, height * width]));
          emitFill(code, target, constant(height * width));
          code.set(from, floatAt(gradient, [plane, outputs]));
          code.set(position, floatAt(positions, [plane, outputs]));
          code.repeat(outputs, () => {
            code.set(pixel, i32.load(position));
            code.if(i32.geS(pixel, constant(0)), () => {
              const address: I32 = floatAt(target, [pixel, 1]);
              code.do(f32.store(address, f32.add(f32.load(address), f32.load(from))));
            });
            code.increase(from, FLOAT);
            code.increase(position, FLOAT);
          });
        });
      });
    },
  };
};
