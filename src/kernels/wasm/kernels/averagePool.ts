/**
 * Average pooling, with windows of one size or of whatever covers the image evenly, and the gradients. A window is a
 * span of rows times a span of columns: rows are added up first, four columns at a time, then the columns.
 */
import type { KernelAttributes, TensorType } from '../../contract.js';
import { f32, f32x4, type I32, i32, select } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { emitLanes, laneCount, ScratchLayout, zerosCall } from './lanes.js';
import {
  constant,
  emitFill,
  emitSpans,
  FLOAT,
  floatAt,
  loadLanes,
  maximum,
  minimum,
  spanAt,
  storeLanes,
  times,
} from './spans.js';

/** The pixels of an axis that an output averages, begin <= pixel < end, and what it counts them as. */
interface WindowSpan {
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
  readonly count: Local<'i32'>;
}

/** Writes the code that finds an output's span. */
type SpanEmitter = (code: FunctionBuilder, output: Local<'i32'>, span: WindowSpan) => void;

interface Windows {
  readonly key: string;
  readonly rows: SpanEmitter;
  readonly columns: SpanEmitter;
}

function poolSpan(axis: 0 | 1, extent: number, attributes: KernelAttributes['avgPool2d']): SpanEmitter {
  const { kernel, strides, padsBegin, padsEnd, excludePad } = attributes;
  return (code, output, { begin, end, count }) => {
    const first = code.local('i32', i32.sub(times(output, strides[axis]), constant(padsBegin[axis])));
    // What sticks out of the padded image is never counted.
    const last = code.local('i32', i32.add(first, constant(kernel[axis])));
    code.set(last, minimum(last, constant(extent + padsEnd[axis])));
    code.set(begin, maximum(first, constant(0)));
    code.set(begin, minimum(begin, constant(extent)));
    code.set(end, minimum(last, constant(extent)));
    code.set(end, maximum(begin, end));
    code.set(count, excludePad ? i32.sub(end, begin) : i32.sub(last, first));
    code.set(count, maximum(count, constant(0)));
  };
}

const adaptiveSpan =
  (extent: number, outputs: number): SpanEmitter =>
  (code, output, { begin, end, count }) => {
    code.set(begin, i32.divU(times(output, extent), constant(outputs)));
    const last = i32.add(times(output, extent), constant(extent + outputs - 1));
    code.set(end, i32.divU(last, constant(outputs)));
    code.set(count, i32.sub(end, begin));
  };

const PARAMETERS = kernelParameters(['source', 'target', 'scratch']);

const windowSpan = (code: FunctionBuilder): WindowSpan => ({
  begin: code.local('i32'),
  end: code.local('i32'),
  count: code.local('i32'),
});

/** What both directions have in common: for every plane, every output row and its span of rows. */
function poolCall(
  name: string,
  image: TensorType,
  pooled: TensorType,
  windows: Windows,
  emitPlane: (
    code: FunctionBuilder,
    addresses: { source: Local<'i32'>; target: Local<'i32'>; sums: Local<'i32'>; plane: Local<'i32'> },
  ) => void,
): WasmCall {
  const [batch, channels, height, width] = image.shape;
  const items = batch * channels;
  const layout = new ScratchLayout({ sums: width });
  return {
    key: `${name} ${image.shape.join('x')} ${pooled.shape.join('x')} ${windows.key}`,
    phases: [{ name: 'pool', units: laneCount(items, layout.bytes), cost: 4 * items * height * width }],
    scratchBytes: laneCount(items, layout.bytes) * layout.bytes,
    build(module) {
      module.function('pool', PARAMETERS, (code, parameters) => {
        const { source, target } = parameters;
        emitLanes(code, parameters, items, layout.bytes, (base, forItems) => {
          const { sums } = layout.locals(code, base);
          forItems((plane) => emitPlane(code, { source, target, sums, plane }));
        });
      });
    },
  };
}

/** Counts a pointer or index up from `begin` while it is below `end`. */
function emitRange(code: FunctionBuilder, index: Local<'i32'>, begin: I32, end: I32, body: () => void): void {
  code.set(index, begin);
  code.countTo(index, end, 1, body);
}

/** y = the sum over each window divided by its count; 0 for a window that sees nothing. */
function averageCall(name: string, x: TensorType, y: TensorType, windows: Windows): WasmCall {
  const [, , height, width] = x.shape;
  const [, , outputHeight, outputWidth] = y.shape;
  return poolCall(name, x, y, windows, (code, { source, target, sums, plane }) => {
    const image = code.local('i32', floatAt(source, [plane, height * width]));
    const output = code.local('i32', floatAt(target, [plane, outputHeight * outputWidth]));
    const [rows, columns] = [windowSpan(code), windowSpan(code)];
    const index = code.local('i32');
    const vector = code.local('v128');
    const sum = code.local('f32');
    const count = code.local('i32');
    code.repeat(outputHeight, (outputRow) => {
      windows.rows(code, outputRow, rows);
      emitSpans(code, width, { unroll: 2 }, (span) => {
        code.set(vector, f32x4.splat(f32.const(0)));
        emitRange(code, index, rows.begin, rows.end, () => {
          const row = spanAt(floatAt(image, [index, width]), span);
          code.set(vector, f32x4.add(vector, loadLanes(row, span.offset, span.lanes)));
        });
        storeLanes(code, spanAt(sums, span), span.offset, vector, span.lanes);
      });
      code.repeat(outputWidth, (outputColumn) => {
        windows.columns(code, outputColumn, columns);
        code.set(sum, f32.const(0));
        emitRange(code, index, columns.begin, columns.end, () =>
          code.set(sum, f32.add(sum, f32.load(floatAt(sums, [index, 1])))),
        );
        code.set(count, i32.mul(rows.count, columns.count));
        const average = f32.div(sum, f32.convertI32S(count));
        code.do(f32.store(output, select(average, f32.const(0), i32.gtS(count, constant(0)))));
        code.increase(output, FLOAT);
      });
    });
  });
}

/** The transpose of `averageCall`: every pixel of a window receives g / count. */
function spreadCall(name: string, g: TensorType, dx: TensorType, windows: Windows): WasmCall {
  const [, , height, width] = dx.shape;
  const [, , outputHeight, outputWidth] = g.shape;
  return poolCall(name, dx, g, windows, (code, { source, target, sums, plane }) => {
    const image = code.local('i32', floatAt(target, [plane, height * width]));
    const gradient = code.local('i32', floatAt(source, [plane, outputHeight * outputWidth]));
    const [rows, columns] = [windowSpan(code), windowSpan(code)];
    const index = code.local('i32');
    const share = code.local('f32');
    emitFill(code, image, constant(height * width));
    code.repeat(outputHeight, (outputRow) => {
      windows.rows(code, outputRow, rows);
      emitFill(code, sums, constant(width));
      code.repeat(outputWidth, (outputColumn) => {
        windows.columns(code, outputColumn, columns);
        code.set(share, f32.div(f32.load(gradient), f32.convertI32S(i32.mul(rows.count, columns.count))));
        emitRange(code, index, columns.begin, columns.end, () => {
          const place = floatAt(sums, [index, 1]);
          code.do(f32.store(place, f32.add(f32.load(place), share)));
        });
        code.increase(gradient, FLOAT);
      });
      emitRange(code, index, rows.begin, rows.end, () => {
        const row = code.local('i32', floatAt(image, [index, width]));
        emitSpans(code, width, { unroll: 2 }, (span) => {
          const [place, added] = [spanAt(row, span), spanAt(sums, span)];
          const value = f32x4.add(loadLanes(place, span.offset, span.lanes), loadLanes(added, span.offset, span.lanes));
          storeLanes(code, place, span.offset, value, span.lanes);
        });
      });
    });
  });
}

const isFloat = (...types: readonly TensorType[]): boolean => types.every(({ dtype }) => dtype === 'float32');

const poolWindows = (image: TensorType, attributes: KernelAttributes['avgPool2d']): Windows => {
  const { kernel, strides, padsBegin, padsEnd, excludePad } = attributes;
  return {
    key: [kernel, strides, padsBegin, padsEnd, excludePad].join(' '),
    rows: poolSpan(0, image.shape[2], attributes),
    columns: poolSpan(1, image.shape[3], attributes),
  };
};

const adaptiveWindows = (image: TensorType, pooled: TensorType): Windows => ({
  key: 'adaptive',
  rows: adaptiveSpan(image.shape[2], pooled.shape[2]),
  columns: adaptiveSpan(image.shape[3], pooled.shape[3]),
});

const isEmpty = ({ shape }: TensorType): boolean => sizeOf(shape) === 0;

export const avgPool2d: WasmKernel<'avgPool2d'> = ([x], attributes, [y]) => {
  if (!isFloat(x, y)) return null;
  if (isEmpty(x) || isEmpty(y)) return zerosCall(1, y);
  return averageCall('avgPool2d', x, y, poolWindows(x, attributes));
};

export const avgPool2dGradient: WasmKernel<'avgPool2dGradient'> = ([g], attributes, [dx]) => {
  if (!isFloat(g, dx)) return null;
  if (isEmpty(g) || isEmpty(dx)) return zerosCall(1, dx);
  return spreadCall('avgPool2dGradient', g, dx, poolWindows(dx, attributes));
};

export const adaptiveAvgPool2d: WasmKernel<'adaptiveAvgPool2d'> = ([x], _attributes, [y]) => {
  if (!isFloat(x, y)) return null;
  if (isEmpty(x) || isEmpty(y)) return zerosCall(1, y);
  return averageCall('adaptiveAvgPool2d', x, y, adaptiveWindows(x, y));
};

export const adaptiveAvgPool2dGradient: WasmKernel<'adaptiveAvgPool2dGradient'> = ([g], _attributes, [dx]) => {
  if (!isFloat(g, dx)) return null;
  if (isEmpty(g) || isEmpty(dx)) return zerosCall(1, dx);
  return spreadCall('adaptiveAvgPool2dGradient', g, dx, adaptiveWindows(dx, g));
};
