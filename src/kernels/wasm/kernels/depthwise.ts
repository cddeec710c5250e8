/**
 * Depthwise convolution, one filter for each channel, and the gradient of its input. There is no matrix to speak of: a
 * staged plane is read at all elements of the window, four neighbouring outputs at a time.
 */
import { f32x4, type I32, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { kernelParameters, type WasmCall } from '../kernel.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { type BuildConvolution, callWithEpilogue, type Epilogue } from './epilogue.js';
import { emitLanes, laneCount, ScratchLayout } from './lanes.js';
import { constant, emitFill, emitSpanPairs, FLOAT, floatAt, roundUp, spanAt, storeSpans } from './spans.js';
import { defineStaging, emitMergedRow, phaseOf, type Staging, stagedPlane, stagedRow, stagingFor } from './staging.js';
import { multiplyAdd, splat } from './vectors.js';

const PARAMETERS = kernelParameters(['input', 'filter', 'output', 'scratch']);

/** Windows with more elements are left to the matrix product: the code here is written out for each. */
const MOST_TAPS = 49;

export const isDepthwise = ({ inputChannels, outputChannels, taps }: ConvolutionShape): boolean =>
  inputChannels === 1 && outputChannels === 1 && taps <= MOST_TAPS;

/** An element of the window. */
export interface Tap {
  readonly index: number;
  readonly y: number;
  readonly x: number;
}

export const tapsOf = ({ kernelHeight, kernelWidth }: ConvolutionShape): Tap[] =>
  Array.from({ length: kernelHeight * kernelWidth }, (_, index) => ({
    index,
    y: Math.floor(index / kernelWidth),
    x: index % kernelWidth,
  }));

/** Floats from where a window begins to what an element of it reads, in a plane staged by `stagingFor`. */
export function tapDistance({ dilations, strides }: ConvolutionShape, staging: Staging, { y, x }: Tap): number {
  const { phase, shift } = phaseOf(strides[1], x * dilations[1]);
  return y * dilations[0] * stagedRow(staging) + phase * staging.phaseWidth + shift;
}

/** What a sum of the window reads: an element's weight and its distance in floats. */
interface Term {
  readonly weight: Local<'v128'>;
  readonly distance: number;
}

/** A row of `count` sums from the staged floats at `source`. */
function emitRow(
  code: FunctionBuilder,
  terms: readonly Term[],
  source: Local<'i32'>,
  target: Local<'i32'>,
  { count, offset = 0 }: { readonly count: number; readonly offset?: number },
): void {
  // One vector a turn (or two that are joined): more would not leave registers for the loads, which V8 puts before the
  // arithmetic.
  emitSpanPairs(code, count, { overlap: true, unroll: terms.length > 9 ? 1 : 2 }, (spans) => {
    const address = code.local('i32', spanAt(source, spans[0]));
    const sums = spans.map((span) => {
      const seen = terms.map(({ distance }) => v128.load(address, distance * FLOAT + span.offset));
      if (terms.length === 0) return splat(code, 0);
      return terms
        .slice(1)
        .reduce<V128>(
          (sum, { weight }, index) => multiplyAdd(code, seen[index + 1], weight, sum),
          f32x4.mul(seen[0], terms[0].weight),
        );
    });
    const places = spans.map((span) => ({ ...span, offset: offset + span.offset }));
    storeSpans(code, target, places, sums);
  });
}

/** Reads the weights of a channel. */
function emitWeights(code: FunctionBuilder, taps: readonly Tap[], filter: I32): Local<'v128'>[] {
  const address = code.local('i32', filter);
  return taps.map(({ index }) => code.local('v128', v128.load32Splat(address, index * FLOAT)));
}

export function depthwiseCall(shape: ConvolutionShape, epilogue: Epilogue | null = null): WasmCall {
  const { batch, groups, height, width, outputHeight, outputWidth, pads, strides, taps } = shape;
  const staging = stagingFor(shape, outputHeight);
  const items = batch * groups;
  const layout = new ScratchLayout({ staged: stagedPlane(staging) });
  const area = outputHeight * outputWidth;
  const call = {
    key: `depthwise ${shape.key}`,
    phases: [{ name: 'convolve', units: laneCount(items, layout.bytes), cost: shape.cost }],
    scratchBytes: laneCount(items, layout.bytes) * layout.bytes,
    build: ((module, _options, functionParameters, finish) => {
      const stage = defineStaging(module, 'stage', staging);
      module.function('convolve', functionParameters, (code, parameters) => {
        const { input, filter, output } = parameters;
        const source = code.local('i32');
        emitLanes(code, parameters, items, layout.bytes, (base, forItems) => {
          const { staged } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedPlane(staging)));
          forItems((plane) => {
            const elements = tapsOf(shape);
            const channel = code.local('i32', i32.remU(plane, constant(groups)));
            const weights = emitWeights(code, elements, floatAt(filter, [channel, taps]));
            const terms = elements.map((tap, index) => ({
              weight: weights[index],
              distance: tapDistance(shape, staging, tap),
            }));
            code.call(stage, floatAt(input, [plane, height * width]), staged, constant(-pads[0]), constant(1));
            code.set(source, staged);
            const target = code.local('i32', floatAt(output, [plane, area]));
            code.repeat(outputHeight, () => {
              emitRow(code, terms, source, target, { count: outputWidth });
              code.increase(source, (strides[0] / staging.rowStep) * stagedRow(staging) * FLOAT);
              code.increase(target, outputWidth * FLOAT);
            });
            const image = code.local('i32', i32.divU(plane, constant(groups)));
            const one = constant(1);
            const whole = { start: constant(0), pixels: constant(area) };
            finish(code, parameters, { channel, channels: one, image, images: one, ...whole });
          });
        });
      });
    }) satisfies BuildConvolution,
  };
  return callWithEpilogue(call, epilogue);
}

/** How an axis of the input's gradient is put together from an axis of the output's gradient. */
interface GradientAxis {
  readonly stride: number;
  /** For each element of the window: which of the positions with the same remainder by the stride it adds to, and how far. */
  readonly elements: readonly { readonly phase: number; readonly shift: number }[];
  readonly farthest: number;
  /** Position 0 of a phase is padded position first * stride + phase; `count` positions hold all pixels. */
  readonly first: number;
  readonly count: number;
  /** Pixel 0 is the padded position first * stride + pad. */
  readonly pad: number;
}

function gradientAxis(shape: ConvolutionShape, axis: 0 | 1): GradientAxis {
  const [kernel, extent] = axis === 0 ? [shape.kernelHeight, shape.height] : [shape.kernelWidth, shape.width];
  const [stride, pad] = [shape.strides[axis], shape.pads[axis]];
  const elements = Array.from({ length: kernel }, (_, index) => phaseOf(stride, index * shape.dilations[axis]));
  const first = Math.floor(pad / stride);
  return {
    stride,
    elements,
    farthest: Math.max(...elements.map(({ shift }) => shift)),
    first,
    count: Math.floor((pad + extent - 1) / stride) - first + 1,
    pad: pad - first * stride,
  };
}

/**
 * dx at padded position q * stride + phase is the sum of w[k] g[q - shift of k] over the elements k of that phase: for
 * each phase a convolution with stride 1.
 */
export function depthwiseInputGradientCall(shape: ConvolutionShape): WasmCall {
  const { batch, groups, height, width, outputHeight, outputWidth, taps } = shape;
  const [rows, columns] = [gradientAxis(shape, 0), gradientAxis(shape, 1)];
  const staging: Staging = {
    height: outputHeight,
    width: outputWidth,
    rows: rows.count + rows.farthest,
    rowStep: 1,
    stride: 1,
    pad: columns.farthest - columns.first,
    phases: 1,
    phaseWidth: roundUp(columns.count, 4) + columns.farthest,
  };
  /** A row of dx with its columns sorted by phase. */
  const rowStaging: Staging = {
    ...staging,
    width,
    stride: columns.stride,
    pad: columns.pad,
    phases: columns.stride,
    phaseWidth: columns.count,
  };
  const items = batch * groups;
  const layout = new ScratchLayout({ staged: stagedPlane(staging), row: stagedRow(rowStaging) });
  return {
    key: `depthwise input gradient ${shape.key}`,
    phases: [{ name: 'convolve', units: laneCount(items, layout.bytes), cost: shape.cost }],
    scratchBytes: laneCount(items, layout.bytes) * layout.bytes,
    build(module) {
      const stage = defineStaging(module, 'stage', staging);
      module.function('convolve', PARAMETERS, (code, parameters) => {
        const { input: gradient, filter, output } = parameters;
        const source = code.local('i32');
        const target = code.local('i32');
        emitLanes(code, parameters, items, layout.bytes, (base, forItems) => {
          const { staged, row } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedPlane(staging)));
          forItems((plane) => {
            const elements = tapsOf(shape);
            const channel = i32.remU(plane, constant(groups));
            const weights = emitWeights(code, elements, floatAt(filter, [channel, taps]));
            const from = floatAt(gradient, [plane, outputHeight * outputWidth]);
            code.call(stage, from, staged, constant(rows.first - rows.farthest), constant(1));
            const first = code.local('i32', floatAt(output, [plane, height * width]));
            /** The sums of one phase of columns, for rows of one phase. */
            const termsOf = (rowPhase: number, columnPhase: number): Term[] =>
              elements.flatMap(({ index, y, x }) => {
                const [down, across] = [rows.elements[y], columns.elements[x]];
                if (down.phase !== rowPhase || across.phase !== columnPhase) return [];
                const upward = rows.farthest - down.shift;
                const distance = upward * stagedRow(staging) + columns.farthest - across.shift;
                return [{ weight: weights[index], distance }];
              });
            for (let phase = 0; phase < rows.stride; phase++) {
              // The first position of this phase that is a pixel, and the pixel's row.
              const skipped = phase < rows.pad ? 1 : 0;
              const y = skipped * rows.stride + phase - rows.pad;
              code.set(source, floatAt(staged, [constant(skipped), stagedRow(staging)]));
              code.set(target, floatAt(first, [constant(y), width]));
              code.repeat(Math.max(0, Math.ceil((height - y) / rows.stride)), () => {
                if (columns.stride === 1) {
                  // Without phases `pad` is 0 and the row can be written where it belongs.
                  emitRow(code, termsOf(phase, 0), source, target, { count: width });
                } else {
                  for (let columnPhase = 0; columnPhase < columns.stride; columnPhase++) {
                    const offset = columnPhase * rowStaging.phaseWidth * FLOAT;
                    emitRow(code, termsOf(phase, columnPhase), source, row, { count: columns.count, offset });
                  }
                  emitMergedRow(code, rowStaging, row, target);
                }
                code.increase(source, stagedRow(staging) * FLOAT);
                code.increase(target, rows.stride * width * FLOAT);
              });
            }
          });
        });
      });
    },
  };
}
