/**
 * Copies of image planes as windows like to read them: with the padding around them, and with the columns sorted by
 * their remainder by the stride ("phases"), so that neighbouring outputs read neighbouring floats whatever the stride.
 */
import { f32, f32x4, type I32, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import {
  constant,
  emitLoop,
  emitSpanPairs,
  emitSpans,
  FLOAT,
  floatAt,
  loadLanes,
  roundUp,
  type Span,
  shuffleLanes,
  spanAt,
  storeLanes,
  storeSpans,
} from './spans.js';

export interface Staging {
  readonly height: number;
  readonly width: number;
  /** Rows of a staged plane; row r holds source row firstRow + r * rowStep. */
  readonly rows: number;
  readonly rowStep: number;
  /** Element i of phase f is source column i * stride + f - pad. */
  readonly stride: number;
  readonly pad: number;
  readonly phases: number;
  readonly phaseWidth: number;
}

export const stagedRow = ({ phases, phaseWidth }: Staging): number => phases * phaseWidth;
export const stagedPlane = (staging: Staging): number => staging.rows * stagedRow(staging);

/** Where a window's column reads: its phase and the shift in there, for a column `distance` behind the window's first. */
export const phaseOf = (stride: number, distance: number): { phase: number; shift: number } => ({
  phase: distance % stride,
  shift: Math.floor(distance / stride),
});

/** The same for distances that are known only when running, as a distance in floats from the row's beginning. */
export function stagedColumn({ stride, phaseWidth }: Staging, distance: I32): I32 {
  if (stride === 1) return distance;
  const phase = i32.remU(distance, constant(stride));
  return i32.add(i32.mul(phase, constant(phaseWidth)), i32.divU(distance, constant(stride)));
}

/** Windows of one axis pair, with padding before the image. */
export interface WindowShape {
  readonly height: number;
  readonly width: number;
  readonly outputWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

/** Staging for `lines` rows of outputs. Rows are long enough to read whole vectors of outputs. */
export function stagingFor(window: WindowShape, lines: number): Staging {
  const { kernelHeight, kernelWidth, strides, pads, dilations } = window;
  const distances = Array.from({ length: kernelWidth }, (_, position) => phaseOf(strides[1], position * dilations[1]));
  // Windows one row high never look at the rows between.
  const rowStep = kernelHeight === 1 ? strides[0] : 1;
  return {
    height: window.height,
    width: window.width,
    rows: ((lines - 1) * strides[0]) / rowStep + (kernelHeight - 1) * dilations[0] + 1,
    rowStep,
    stride: strides[1],
    pad: pads[1],
    phases: 1 + Math.max(...distances.map(({ phase }) => phase)),
    phaseWidth: roundUp(window.outputWidth, 4) + Math.max(...distances.map(({ shift }) => shift)),
  };
}

/** The part of a phase that lies in the image: `count` elements from `first`, read from column `column` on. */
export function phaseSpan(
  { stride, pad, width, phaseWidth }: Staging,
  phase: number,
): { first: number; column: number; count: number } {
  const first = Math.max(0, Math.ceil((pad - phase) / stride));
  const end = Math.min(phaseWidth, Math.ceil((width + pad - phase) / stride));
  return { first, column: first * stride + phase - pad, count: Math.max(0, end - first) };
}

/** Reads `count` floats that lie `stride` apart, in spans; nothing outside them is touched. */
function emitStridedReads(
  code: FunctionBuilder,
  { source, offset, count, stride }: { source: Local<'i32'>; offset: number; count: number; stride: number },
  body: (spans: readonly Span[], values: readonly V128[]) => void,
): void {
  if (stride === 1) {
    emitSpanPairs(code, count, { overlap: true }, (spans) => {
      const address = code.local('i32', spanAt(source, spans[0]));
      body(
        spans,
        spans.map((span) => loadLanes(address, offset + span.offset, span.lanes)),
      );
    });
  } else if (stride === 2 && count >= 4) {
    // The second load begins one float early, so that it ends with the last float that is wanted.
    emitSpans(code, count, { overlap: true, unroll: 4 }, (span) => {
      const address = spanAt(source, span, 2);
      const at = offset + 2 * span.offset;
      body([span], [shuffleLanes(v128.load(address, at), v128.load(address, at + 12), [0, 2, 5, 7])]);
    });
  } else {
    for (let element = 0; element < count && count <= 8; element++) {
      const span = { index: null, offset: element * FLOAT, lanes: 1 };
      body([span], [loadLanes(source, offset + element * stride * FLOAT, 1)]);
    }
    if (count > 8) {
      code.repeat(
        count * FLOAT,
        (index) => {
          const span = { index, offset: 0, lanes: 1 };
          body([span], [loadLanes(spanAt(source, span, stride), offset, 1)]);
        },
        FLOAT,
      );
    }
  }
}

/**
 * Defines `stage(source, target, firstRow, planes)` for planes that follow one another. Rows outside the image are set to
 * `fill`; what lies beside the image in the other rows is not written and must be `fill` already.
 */
export function defineStaging(module: ModuleBuilder, name: string, staging: Staging, fill = 0): number {
  const parameters = { source: 'i32', target: 'i32', firstRow: 'i32', planes: 'i32' } as const;
  const { height, width, rows, rowStep, stride, phases, phaseWidth } = staging;
  return module.function(name, parameters, (code, { source, target, firstRow, planes }) => {
    const from = code.local('i32');
    const row = code.local('i32');
    const outside = code.local('v128', f32x4.splat(f32.const(fill)));
    emitLoop(code, planes, () => {
      code.set(row, firstRow);
      code.repeat(rows, () => {
        code.if(
          i32.ltU(row, constant(height)),
          () => {
            code.set(from, floatAt(source, [row, width]));
            for (let phase = 0; phase < phases; phase++) {
              const { first, column, count } = phaseSpan(staging, phase);
              const begin = (phase * phaseWidth + first) * FLOAT;
              emitStridedReads(code, { source: from, offset: column * FLOAT, count, stride }, (spans, values) => {
                const places = spans.map((span) => ({ ...span, offset: begin + span.offset }));
                storeSpans(code, target, places, values);
              });
            }
          },
          () =>
            emitSpanPairs(code, stagedRow(staging), { overlap: true }, (spans) =>
              storeSpans(
                code,
                target,
                spans,
                spans.map(() => outside),
              ),
            ),
        );
        code.increase(target, stagedRow(staging) * FLOAT);
        code.increase(row, rowStep);
      });
      code.increase(source, height * width * FLOAT);
    });
  });
}

/** Staging that windows add to: every pixel of the image has its place in it, whether a window sees it or not. */
export function scatterStagingFor(window: WindowShape, lines: number): Staging {
  const { height, width, kernelHeight, strides, pads, dilations } = window;
  const stride = strides[1];
  const forward = stagingFor(window, lines);
  const seen = (lines - 1) * strides[0] + (kernelHeight - 1) * dilations[0] + 1;
  return {
    ...forward,
    rows: Math.max(seen, pads[0] + height),
    rowStep: 1,
    phases: stride,
    phaseWidth: Math.max(forward.phaseWidth, Math.ceil((pads[1] + width) / stride)),
  };
}

/** Writes a row of the image from its staged row: the phases are put back between one another. */
export function emitMergedRow(
  code: FunctionBuilder,
  { stride, pad, width, phaseWidth }: Staging,
  staged: Local<'i32'>,
  target: Local<'i32'>,
): void {
  /** Bytes from the staged row's beginning to image column `column`. */
  const place = (column: number): number => {
    const { phase, shift } = phaseOf(stride, column + pad);
    return (phase * phaseWidth + shift) * FLOAT;
  };
  if (stride === 1) {
    emitSpanPairs(code, width, { overlap: true }, (spans) => {
      const address = code.local('i32', spanAt(staged, spans[0]));
      const values = spans.map((span) => loadLanes(address, place(0) + span.offset, span.lanes));
      storeSpans(code, target, spans, values);
    });
  } else if (stride === 2) {
    const [even, odd] = [code.local('v128'), code.local('v128')];
    emitSpans(code, Math.floor(width / 2), { overlap: true, unroll: 4 }, (span) => {
      const address = spanAt(staged, span);
      code.set(even, loadLanes(address, place(0) + span.offset, span.lanes));
      code.set(odd, loadLanes(address, place(1) + span.offset, span.lanes));
      const [to, offset] = [spanAt(target, span, 2), 2 * span.offset];
      storeLanes(code, to, offset, shuffleLanes(even, odd, [0, 4, 1, 5]), Math.min(4, 2 * span.lanes));
      if (span.lanes > 2) {
        storeLanes(code, to, offset + 16, shuffleLanes(even, odd, [2, 6, 3, 7]), 2 * span.lanes - 4);
      }
    });
    if (width % 2 === 1) {
      storeLanes(code, target, (width - 1) * FLOAT, v128.load32Zero(staged, place(width - 1)), 1);
    }
  } else {
    for (let first = 0; first < Math.min(stride, width); first++) {
      code.repeat(Math.ceil((width - first) / stride), (element) => {
        const value = v128.load32Zero(floatAt(staged, [element, 1]), place(first));
        storeLanes(code, floatAt(target, [element, stride]), first * FLOAT, value, 1);
      });
    }
  }
}

/** Defines `merge(staged, target, planes)`: planes of the image from staged planes; `staged` is row 0 of the image. */
export function defineMerging(module: ModuleBuilder, name: string, staging: Staging): number {
  const parameters = { staged: 'i32', target: 'i32', planes: 'i32' } as const;
  return module.function(name, parameters, (code, { staged, target, planes }) => {
    const row = code.local('i32');
    emitLoop(code, planes, () => {
      code.set(row, staged);
      code.repeat(staging.height, () => {
        emitMergedRow(code, staging, row, target);
        code.increase(row, stagedRow(staging) * FLOAT);
        code.increase(target, staging.width * FLOAT);
      });
      code.increase(staged, stagedPlane(staging) * FLOAT);
    });
  });
}
