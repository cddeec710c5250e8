/** Transposition: tiles of 4x4 in registers where the axes that lie side by side differ, else a strided copy. */
import { i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { type CopyAxis, denseStrides, denseView, elementBytesOf, emitCopy, mergeAxes, planCopy } from './copies.js';
import { FLOAT_BYTES } from './loops.js';
import { shuffleLanes, times } from './spans.js';

/** Rows of the result in a unit of work: as many cache lines as are written side by side. */
const UNIT_ROWS = 8;

/** Planes to transpose: the result's rows lie side by side in the source, and its columns in the result. */
interface Planes {
  readonly outer: readonly CopyAxis[];
  readonly rows: CopyAxis;
  readonly columns: CopyAxis;
}

/** The planes of a copy whose sides are dense in different axes of at least four elements; null for others. */
function planesOf(axes: readonly CopyAxis[]): Planes | null {
  const columns = axes[axes.length - 1];
  const rows = axes.find(({ from }) => from === 1);
  if (!rows || !columns || rows === columns || columns.to !== 1 || rows.extent < 4 || columns.extent < 4) return null;
  return { outer: axes.filter((axis) => axis !== rows && axis !== columns), rows, columns };
}

export const transpose: WasmKernel<'transpose'> = ([x], { order }, [y]) => {
  const bytes = elementBytesOf(x.dtype);
  if (bytes === null) return null;
  const strides = denseStrides(x.shape);
  const from = { at: 0, strides: order.map((axis) => strides[axis]) };
  const plan = planCopy(y.shape, from, denseView(y.shape), bytes);
  const planes = planesOf(mergeAxes(y.shape, from, denseView(y.shape)));
  if (bytes === 4 && planes && plan.units > 0) {
    const units = sizeOf(planes.outer.map(({ extent }) => extent)) * Math.ceil(planes.rows.extent / UNIT_ROWS);
    return {
      key: `transpose tiles ${plan.key}`,
      phases: [{ name: 'run', units }],
      build(module) {
        module.function('run', kernelParameters(['x', 'y']), (code, { x, y, begin, end }) =>
          emitTiles(code, planes, x, y, begin, end),
        );
      },
    };
  }
  return {
    key: `transpose ${plan.key}`,
    phases: [{ name: 'run', units: plan.units }],
    build(module) {
      module.function('run', kernelParameters(['x', 'y']), (code, { x, y, begin, end }) =>
        emitCopy(code, plan, x, y, begin, end),
      );
    },
  };
};

function emitTiles(
  code: FunctionBuilder,
  { outer, rows, columns }: Planes,
  x: Local<'i32'>,
  y: Local<'i32'>,
  begin: Local<'i32'>,
  end: Local<'i32'>,
): void {
  const [from, to, rest] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const [row, lastRow, column] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const [tileFrom, tileTo, tileRow, tileColumn] = [0, 1, 2, 3].map(() => code.local('i32'));
  const chunks = Math.ceil(rows.extent / UNIT_ROWS);
  code.countTo(begin, end, 1, () => {
    code.set(row, times(i32.remU(begin, i32.const(chunks)), UNIT_ROWS));
    code.set(rest, i32.divU(begin, i32.const(chunks)));
    code.set(from, x);
    code.set(to, y);
    for (const axis of [...outer].reverse()) {
      const index = code.local('i32', i32.remU(rest, i32.const(axis.extent)));
      code.set(rest, i32.divU(rest, i32.const(axis.extent)));
      code.set(from, i32.add(from, times(index, axis.from * FLOAT_BYTES)));
      code.set(to, i32.add(to, times(index, axis.to * FLOAT_BYTES)));
    }
    code.set(lastRow, i32.add(row, i32.const(UNIT_ROWS)));
    limit(code, lastRow, rows.extent);
    code.set(column, i32.const(0));
    code.countTo(column, i32.const(columns.extent), 4, () => {
      // The last tiles begin where they end with the plane; some elements are written twice, with the same values.
      code.set(tileColumn, column);
      limit(code, tileColumn, columns.extent - 4);
      const at = code.local('i32', row);
      code.countTo(at, lastRow, 4, () => {
        code.set(tileRow, at);
        limit(code, tileRow, rows.extent - 4);
        code.set(tileFrom, i32.add(from, offset(tileColumn, columns.from, tileRow, 1)));
        code.set(tileTo, i32.add(to, offset(tileRow, rows.to, tileColumn, 1)));
        emitTile(code, tileFrom, columns.from * FLOAT_BYTES, tileTo, rows.to * FLOAT_BYTES);
      });
    });
  });
}

const offset = (a: Local<'i32'>, aStride: number, b: Local<'i32'>, bStride: number) =>
  i32.add(times(a, aStride * FLOAT_BYTES), times(b, bStride * FLOAT_BYTES));

function limit(code: FunctionBuilder, value: Local<'i32'>, most: number): void {
  code.if(i32.gtS(value, i32.const(most)), () => code.set(value, i32.const(most)));
}

/** Four vectors become their transpose. */
function emitTile(
  code: FunctionBuilder,
  from: Local<'i32'>,
  fromStride: number,
  to: Local<'i32'>,
  toStride: number,
): void {
  const keep = (value: V128): V128 => code.local('v128', value);
  const [a, b, c, d] = [0, 1, 2, 3].map((line) => keep(v128.load(from, line * fromStride)));
  const [abLow, cdLow] = [keep(shuffleLanes(a, b, [0, 4, 1, 5])), keep(shuffleLanes(c, d, [0, 4, 1, 5]))];
  const [abHigh, cdHigh] = [keep(shuffleLanes(a, b, [2, 6, 3, 7])), keep(shuffleLanes(c, d, [2, 6, 3, 7]))];
  const lines = [
    shuffleLanes(abLow, cdLow, [0, 1, 4, 5]),
    shuffleLanes(abLow, cdLow, [2, 3, 6, 7]),
    shuffleLanes(abHigh, cdHigh, [0, 1, 4, 5]),
    shuffleLanes(abHigh, cdHigh, [2, 3, 6, 7]),
  ];
  lines.forEach((line, index) => {
    code.do(v128.store(to, line, index * toStride));
  });
}
