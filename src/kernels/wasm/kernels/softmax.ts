/**
 * Softmax and its logarithm along an axis. Along the last axis a unit of work is a row, along another one four
 * neighbouring columns. The maximum ignores NaN: the sum of exponentials then is NaN, and with it the whole row.
 */
import type { TensorType } from '../../contract.js';
import { f32, f32x4, f64, i32, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { ColumnSums, type Strips, stripOffset, stripsOf } from './columnSums.js';
import { exp, log } from './exponential.js';
import {
  Accumulators,
  emitFold,
  emitFoldTerms,
  emitMap,
  emitTimes,
  FLOAT_BYTES,
  type Fold,
  isFloat32,
  loadLanes,
  storeLanes,
  vectorsOf,
} from './loops.js';
import { times } from './spans.js';
import { keep, splat } from './vectors.js';

const MAX_OF_NUMBERS: Fold = { initial: Number.NEGATIVE_INFINITY, vector: f32x4.pmax, total: f64.max };

type Kind = 'softmax' | 'logSoftmax';

function softmaxCall(kind: Kind, x: TensorType, axis: number): WasmCall | null {
  if (!isFloat32(x)) return null;
  const extent = x.shape[axis];
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  const strips = stripsOf(inner);
  return {
    key: `${kind} ${extent} ${inner}`,
    phases: [{ name: 'run', units: extent === 0 ? 0 : outer * (inner === 1 ? 1 : strips.count) }],
    build: (module) => (inner === 1 ? defineRows(module, kind, extent) : defineColumns(module, kind, extent, strips)),
  };
}

export const softmax: WasmKernel<'softmax'> = ([x], { axis }) => softmaxCall('softmax', x, axis);
export const logSoftmax: WasmKernel<'logSoftmax'> = ([x], { axis }) => softmaxCall('logSoftmax', x, axis);

function defineRows(module: ModuleBuilder, kind: Kind, extent: number): void {
  const shape = { rows: 1, length: extent, gap: 0 };
  module.function('run', kernelParameters(['x', 'y']), (code, { x, y, begin, end }) => {
    const maxima = new Accumulators(code, 1, MAX_OF_NUMBERS);
    const sums = new Accumulators(code, 1, undefined, 8);
    const [from, to] = [code.local('i32'), code.local('i32')];
    const rewind = (): void => {
      code.set(from, i32.add(x, times(begin, extent * FLOAT_BYTES)));
      code.set(to, i32.add(y, times(begin, extent * FLOAT_BYTES)));
    };
    code.countTo(begin, end, 1, () => {
      rewind();
      maxima.reset();
      emitFoldTerms(code, shape, [from], maxima, (operands) => operands);
      const maximum = keep(code, f32x4.splat(f32.demote(maxima.totals[0])));
      rewind();
      sums.reset();
      const [sum] = sums.totals;
      if (kind === 'softmax') {
        emitFold(code, shape, [from, to], sums, (lanes) => {
          const powers = vectorsOf(lanes).map((at) =>
            keep(code, exp(code, f32x4.sub(loadLanes(from, lanes, at), maximum))),
          );
          storeLanes(code, to, powers, lanes);
          powers.forEach((power, index) => {
            sums.add(0, 4 * index, power, lanes);
          });
        });
        rewind();
        const scale = keep(code, f32x4.splat(f32.demote(f64.div(f64.const(1), sum))));
        emitMap(code, extent, [to], to, ([power]) => f32x4.mul(power, scale));
      } else {
        emitFoldTerms(code, shape, [from], sums, ([value]) => [exp(code, f32x4.sub(value, maximum))]);
        rewind();
        const logarithm = keep(code, log(code, f32x4.splat(f32.demote(sum))));
        emitMap(code, extent, [from], to, ([value]) => f32x4.sub(f32x4.sub(value, maximum), logarithm));
      }
    });
  });
}

function defineColumns(module: ModuleBuilder, kind: Kind, extent: number, strips: Strips): void {
  const { columns, lanes, count } = strips;
  const stride = columns * FLOAT_BYTES;
  module.function('run', kernelParameters(['x', 'y']), (code, { x, y, begin, end }) => {
    const sums = new ColumnSums(code);
    const maximum = code.local('v128');
    const [from, to, offset] = [code.local('i32'), code.local('i32'), code.local('i32')];
    /** Runs `body` for every row of the strip. */
    const down = (body: () => void): void => {
      code.set(from, i32.add(x, offset));
      code.set(to, i32.add(y, offset));
      emitTimes(code, extent, () => {
        body();
        code.increase(from, stride);
        code.increase(to, stride);
      });
    };
    code.countTo(begin, end, 1, () => {
      const start = stripOffset(code, i32.remU(begin, i32.const(count)), strips);
      code.set(offset, i32.add(start, times(i32.divU(begin, i32.const(count)), extent * stride)));
      code.set(maximum, splat(code, Number.NEGATIVE_INFINITY));
      down(() => code.set(maximum, f32x4.pmax(maximum, loadLanes(from, lanes))));
      sums.reset();
      down(() => {
        const power = keep(code, exp(code, f32x4.sub(loadLanes(from, lanes), maximum)));
        if (kind === 'softmax') storeLanes(code, to, [power], lanes);
        sums.add(power);
      });
      const sum = keep(code, sums.value());
      const result = finish(code, kind, sum, maximum);
      down(() => storeLanes(code, to, [result(loadLanes(kind === 'softmax' ? to : from, lanes))], lanes));
    });
  });
}

/** What the last pass makes of an exponential (softmax) or of an element (its logarithm). */
function finish(code: FunctionBuilder, kind: Kind, sum: V128, maximum: Local<'v128'>): (value: V128) => V128 {
  if (kind === 'softmax') return (power) => f32x4.div(power, sum);
  const logarithm = keep(code, log(code, sum));
  return (value) => f32x4.sub(f32x4.sub(value, maximum), logarithm);
}
