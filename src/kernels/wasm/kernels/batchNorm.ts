/**
 * Batch normalisation of [N, C, ..] and its gradient. A unit of work is some images of one channel; the first phase
 * leaves a unit's sums in scratch memory, and the second joins those of a channel. What follows reads the channels'
 * statistics: the normalising pass, which is `batchNormInference`, or the gradient.
 *
 * Variances are sums of squared distances from the mean of the unit, joined by the formula of Chan, Golub and LeVeque
 * ("Algorithms for computing the sample variance", 1983): nothing cancels, however far the mean is from zero.
 */
import type { TensorType } from '../../contract.js';
import { type F64, f32, f32x4, f64, i32, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { normalizeBody, normalizedOperands } from './batchNormInference.js';
import {
  Accumulators,
  type Count,
  emitFoldTerms,
  emitMap,
  emitTimes,
  FLOAT_BYTES,
  isFloat32,
  minimum,
} from './loops.js';
import { planRows } from './rowPlan.js';
import { emitRows } from './rows.js';
import { times } from './spans.js';

/** Elements of a unit: a second pass over them finds them in the first-level cache. */
const UNIT_ELEMENTS = 8192;
/** Two doubles for each unit. */
const PARTIAL_BYTES = 16;
/** Joining a partial sum costs as much as this many elements of a pass. */
const COMBINE_COST = 16;

/** How [N, C, plane] is cut: units are (channel, group of images), groups innermost. */
interface Cut {
  readonly images: number;
  readonly channels: number;
  readonly plane: number;
  readonly imagesPerGroup: number;
  readonly groups: number;
}

function cutOf({ shape: [images, channels, ...spatial] }: TensorType): Cut {
  const plane = sizeOf(spatial);
  const imagesPerGroup = Math.max(Math.floor(UNIT_ELEMENTS / Math.max(plane, 1)), 1);
  return { images, channels, plane, imagesPerGroup, groups: Math.ceil(images / imagesPerGroup) };
}

/** Where a unit lies. */
interface Unit {
  readonly channel: Local<'i32'>;
  readonly group: Local<'i32'>;
  /** Images in the unit. */
  readonly rows: Count;
  /** Bytes from the start of the tensor. */
  readonly offset: Local<'i32'>;
}

function locateUnit(code: FunctionBuilder, unit: Local<'i32'>, cut: Cut): Unit {
  const { images, channels, plane, imagesPerGroup, groups } = cut;
  const channel = code.local('i32', groups === 1 ? unit : i32.divU(unit, i32.const(groups)));
  const group = code.local('i32', groups === 1 ? i32.const(0) : i32.remU(unit, i32.const(groups)));
  const first = code.local('i32', times(group, imagesPerGroup));
  const offset = code.local(
    'i32',
    i32.add(times(first, channels * plane * FLOAT_BYTES), times(channel, plane * FLOAT_BYTES)),
  );
  if (groups === 1) return { channel, group, rows: images, offset };
  const rows = code.local('i32', i32.sub(i32.const(images), first));
  code.set(rows, minimum(rows, imagesPerGroup));
  return { channel, group, rows, offset };
}

const gapOf = ({ channels, plane }: Cut): number => (channels - 1) * plane * FLOAT_BYTES;
const pointerTo = (code: FunctionBuilder, base: Local<'i32'>, offset: Local<'i32'>): Local<'i32'> =>
  code.local('i32', i32.add(base, offset));
const loadChannel = (base: Local<'i32'>, channel: Local<'i32'>): F64 =>
  f64.promote(f32.load(i32.add(base, times(channel, FLOAT_BYTES))));
const splatSingle = (code: FunctionBuilder, value: F64) => code.local('v128', f32x4.splat(f32.demote(value)));
const countOf = (code: FunctionBuilder, rows: Count, plane: number): Local<'f64'> =>
  code.local('f64', typeof rows === 'number' ? f64.const(rows * plane) : f64.convertI32S(times(rows, plane)));

/** Runs `body` for the partial sums of a channel, with the number of elements behind each. */
function forEachPartial(
  code: FunctionBuilder,
  scratch: Local<'i32'>,
  channel: Local<'i32'>,
  { images, plane, imagesPerGroup, groups }: Cut,
  body: (partial: Local<'i32'>, count: Local<'f64'>) => void,
): void {
  const partial = code.local('i32', i32.add(scratch, times(channel, groups * PARTIAL_BYTES)));
  const count = code.local('f64', f64.const(Math.min(imagesPerGroup, images) * plane));
  const step = (): void => {
    body(partial, count);
    code.increase(partial, PARTIAL_BYTES);
  };
  if (groups > 1) emitTimes(code, groups - 1, step);
  code.set(count, f64.const((images - (groups - 1) * imagesPerGroup) * plane));
  step();
}

const STATISTICS = ['x', 'gamma', 'beta', 'mean', 'variance', 'shift', 'scratch'] as const;
const FORWARD = ['x', 'gamma', 'beta', 'y', 'mean', 'variance', 'scratch'] as const;

/** Addresses that the statistics' functions use. */
interface StatisticsParameters {
  readonly gamma: Local<'i32'>;
  readonly beta: Local<'i32'>;
  readonly mean: Local<'i32'>;
  readonly variance: Local<'i32'>;
  readonly scratch: Local<'i32'>;
}

export const batchNormStatistics: WasmKernel<'batchNormStatistics'> = (inputs, { epsilon }, _outputs) => {
  const [x] = inputs;
  if (!isFloat32(...inputs) || sizeOf(x.shape) === 0) return null;
  const cut = cutOf(x);
  const units = cut.channels * cut.groups;
  return {
    key: `batchNormStatistics ${[cut.images, cut.channels, cut.plane, epsilon]}`,
    phases: [
      { name: 'statistics', units },
      { name: 'combine', units: cut.channels, cost: units * COMBINE_COST },
    ],
    scratchBytes: units * PARTIAL_BYTES,
    build(module) {
      module.function('statistics', kernelParameters(STATISTICS), (code, { x, scratch, begin, end }) =>
        emitStatistics(code, cut, x, scratch, begin, end),
      );
      module.function('combine', kernelParameters(STATISTICS), (code, { begin, end, shift, ...parameters }) =>
        emitCombine(code, cut, epsilon, parameters, shift, begin, end),
      );
    },
  };
};

/** The two kernels in one; the shift stays in scratch memory, behind the partial sums. */
export const batchNorm: WasmKernel<'batchNorm'> = (inputs, { epsilon }, [y]) => {
  if (!isFloat32(...inputs) || sizeOf(y.shape) === 0) return null;
  const cut = cutOf(y);
  const units = cut.channels * cut.groups;
  const plan = planRows(normalizedOperands(y), y);
  const shiftOf = ({ scratch }: { readonly scratch: Local<'i32'> }) =>
    i32.add(scratch, i32.const(units * PARTIAL_BYTES));
  return {
    key: `batchNorm ${[cut.images, cut.channels, cut.plane, epsilon]}`,
    phases: [
      { name: 'statistics', units },
      { name: 'combine', units: cut.channels, cost: units * COMBINE_COST },
      { name: 'normalize', units: plan.units },
    ],
    scratchBytes: units * PARTIAL_BYTES + cut.channels * FLOAT_BYTES,
    build(module) {
      module.function('statistics', kernelParameters(FORWARD), (code, { x, scratch, begin, end }) =>
        emitStatistics(code, cut, x, scratch, begin, end),
      );
      module.function('combine', kernelParameters(FORWARD), (code, { begin, end, ...parameters }) =>
        emitCombine(code, cut, epsilon, parameters, code.local('i32', shiftOf(parameters)), begin, end),
      );
      module.function('normalize', kernelParameters(FORWARD), (code, parameters) => {
        const { x, gamma, mean, variance, y, begin, end } = parameters;
        const shift = code.local('i32', shiftOf(parameters));
        emitRows(code, plan, [x, gamma, shift, mean, variance, y], begin, end, normalizeBody(epsilon));
      });
    },
  };
};

/** The sum of a unit, and its sum of squared distances from its mean. */
function emitStatistics(
  code: FunctionBuilder,
  cut: Cut,
  x: Local<'i32'>,
  scratch: Local<'i32'>,
  begin: Local<'i32'>,
  end: Local<'i32'>,
): void {
  const sums = new Accumulators(code, 1);
  const squares = new Accumulators(code, 1);
  code.countTo(begin, end, 1, () => {
    const { rows, offset } = locateUnit(code, begin, cut);
    const shape = { rows, length: cut.plane, gap: gapOf(cut) };
    // Sums of distances from the first element: those of values far from zero would lose the digits that differ.
    const first = code.local('v128', v128.load32Splat(i32.add(x, offset)));
    sums.reset();
    emitFoldTerms(code, shape, [pointerTo(code, x, offset)], sums, ([value]) => [f32x4.sub(value, first)]);
    const count = countOf(code, rows, cut.plane);
    const origin = f64.promote(f32x4.extractLane(first, 0));
    const mean = code.local('f64', f64.add(origin, f64.div(sums.totals[0], count)));
    const pivot = splatSingle(code, mean);
    squares.reset();
    emitFoldTerms(code, shape, [pointerTo(code, x, offset)], squares, ([value]) => {
      const distance = code.local('v128', f32x4.sub(value, pivot));
      return [f32x4.mul(distance, distance)];
    });
    // The pivot is the mean rounded to float32; what that adds is taken off.
    const error = code.local('f64', f64.sub(mean, f64.promote(f32.demote(mean))));
    const partial = code.local('i32', i32.add(scratch, times(begin, PARTIAL_BYTES)));
    const corrected = f64.sub(squares.totals[0], f64.mul(count, f64.mul(error, error)));
    code.do(f64.store(partial, f64.mul(mean, count)), f64.store(partial, corrected, 8));
  });
}

/** Mean, variance and shift of each channel from the partial sums. */
function emitCombine(
  code: FunctionBuilder,
  cut: Cut,
  epsilon: number,
  parameters: StatisticsParameters,
  shift: Local<'i32'>,
  begin: Local<'i32'>,
  end: Local<'i32'>,
): void {
  const total = f64.const(cut.images * cut.plane);
  const [mean, variance] = [code.local('f64'), code.local('f64')];
  code.countTo(begin, end, 1, () => {
    const channel = begin;
    code.set(mean, f64.const(0));
    forEachPartial(code, parameters.scratch, channel, cut, (partial) =>
      code.set(mean, f64.add(mean, f64.load(partial))),
    );
    code.set(mean, f64.div(mean, total));
    code.set(variance, f64.const(0));
    forEachPartial(code, parameters.scratch, channel, cut, (partial, count) => {
      const distance = code.local('f64', f64.sub(f64.div(f64.load(partial), count), mean));
      const between = f64.mul(count, f64.mul(distance, distance));
      code.set(variance, f64.add(variance, f64.add(f64.load(partial, 8), between)));
    });
    code.set(variance, f64.div(variance, total));
    const slope = f64.div(loadChannel(parameters.gamma, channel), f64.sqrt(f64.add(variance, f64.const(epsilon))));
    const rest = f64.sub(mean, f64.promote(f32.demote(mean)));
    const shifted = f64.sub(loadChannel(parameters.beta, channel), f64.mul(rest, slope));
    const at = code.local('i32', times(channel, FLOAT_BYTES));
    code.do(
      f32.store(i32.add(parameters.mean, at), f32.demote(mean)),
      f32.store(i32.add(parameters.variance, at), f32.demote(variance)),
      f32.store(i32.add(shift, at), f32.demote(shifted)),
    );
  });
}

/** Runs `body` for the plane of each image; it moves the pointers along the plane. */
function emitPlanes(
  code: FunctionBuilder,
  cut: Cut,
  rows: Count,
  pointers: readonly Local<'i32'>[],
  body: () => void,
): void {
  emitTimes(code, rows, () => {
    body();
    for (const pointer of pointers) code.increase(pointer, gapOf(cut));
  });
}

const BACKWARD = ['g', 'x', 'gamma', 'mean', 'variance', 'dx', 'dGamma', 'dBeta', 'scratch'] as const;

export const batchNormGradient: WasmKernel<'batchNormGradient'> = (inputs, { epsilon }, [dx]) => {
  if (!isFloat32(...inputs) || sizeOf(dx.shape) === 0) return null;
  const cut = cutOf(dx);
  const units = cut.channels * cut.groups;
  return {
    key: `batchNormGradient ${[cut.images, cut.channels, cut.plane, epsilon]}`,
    phases: channelwise(cut)
      ? [{ name: 'channel', units: cut.channels }]
      : [
          { name: 'sums', units },
          { name: 'gradient', units },
        ],
    scratchBytes: units * PARTIAL_BYTES,
    build(module) {
      const parts = [defineGradientSums(module, cut), defineGradient(module, cut, epsilon)];
      if (channelwise(cut)) defineChannels(module, cut, parts);
    },
  };
};

/** Bytes of a channel of x and of g that the second-level cache keeps from the sums to the gradient. */
const CHANNEL_BYTES = 3 * 2 ** 17;
/** Channels that are enough units of work for several threads. */
const ENOUGH_CHANNELS = 16;

/** Whether a unit is best a whole channel, sums and gradient. */
const channelwise = ({ images, channels, plane }: Cut): boolean =>
  channels >= ENOUGH_CHANNELS && 2 * images * plane * FLOAT_BYTES <= CHANNEL_BYTES;

/** Does all parts for a channel before those for the next. */
function defineChannels(module: ModuleBuilder, { groups }: Cut, parts: readonly number[]): void {
  module.function('channel', kernelParameters(BACKWARD), (code, { begin, end, ...addresses }) => {
    code.countTo(begin, end, 1, () => {
      const first = code.local('i32', times(begin, groups));
      for (const part of parts) {
        code.call(part, ...BACKWARD.map((name) => addresses[name]), first, i32.add(first, i32.const(groups)));
      }
    });
  });
}

/** The sums of g and of g (x - mean) of a unit. */
function defineGradientSums(module: ModuleBuilder, cut: Cut): number {
  return module.function('sums', kernelParameters(BACKWARD), (code, parameters) => {
    const { begin, end, scratch } = parameters;
    const sums = new Accumulators(code, 2);
    code.countTo(begin, end, 1, () => {
      const { channel, rows, offset } = locateUnit(code, begin, cut);
      const mean = splatSingle(code, loadChannel(parameters.mean, channel));
      const pointers = [pointerTo(code, parameters.g, offset), pointerTo(code, parameters.x, offset)];
      sums.reset();
      emitFoldTerms(code, { rows, length: cut.plane, gap: gapOf(cut) }, pointers, sums, ([gradient, x]) => {
        const g = code.local('v128', gradient);
        return [g, f32x4.mul(g, f32x4.sub(x, mean))];
      });
      const partial = code.local('i32', i32.add(scratch, times(begin, PARTIAL_BYTES)));
      code.do(f64.store(partial, sums.totals[0]), f64.store(partial, sums.totals[1], 8));
    });
  });
}

function defineGradient(module: ModuleBuilder, cut: Cut, epsilon: number): number {
  const total = f64.const(cut.images * cut.plane);
  return module.function('gradient', kernelParameters(BACKWARD), (code, parameters) => {
    const { begin, end, scratch } = parameters;
    const [sum, product] = [code.local('f64'), code.local('f64')];
    code.countTo(begin, end, 1, () => {
      const { channel, group, rows, offset } = locateUnit(code, begin, cut);
      for (const each of [sum, product]) code.set(each, f64.const(0));
      forEachPartial(code, scratch, channel, cut, (partial) => {
        code.set(sum, f64.add(sum, f64.load(partial)));
        code.set(product, f64.add(product, f64.load(partial, 8)));
      });
      const deviation = f64.sqrt(f64.add(loadChannel(parameters.variance, channel), f64.const(epsilon)));
      const inverse = code.local('f64', f64.div(f64.const(1), deviation));
      code.set(product, f64.mul(product, inverse));
      code.if(i32.eqz(group), () => {
        const at = times(channel, FLOAT_BYTES);
        code.do(f32.store(i32.add(parameters.dGamma, at), f32.demote(product)));
        code.do(f32.store(i32.add(parameters.dBeta, at), f32.demote(sum)));
      });
      const scale = splatSingle(code, f64.mul(loadChannel(parameters.gamma, channel), inverse));
      const meanGradient = splatSingle(code, f64.div(sum, total));
      const slope = splatSingle(code, f64.mul(f64.div(product, total), inverse));
      const mean = splatSingle(code, loadChannel(parameters.mean, channel));
      const [g, x, dx] = [parameters.g, parameters.x, parameters.dx].map((base) => pointerTo(code, base, offset));
      emitPlanes(code, cut, rows, [g, x, dx], () =>
        emitMap(code, cut.plane, [g, x], dx, ([gradient, value]) =>
          f32x4.mul(scale, f32x4.sub(f32x4.sub(gradient, meanGradient), f32x4.mul(f32x4.sub(value, mean), slope))),
        ),
      );
    });
  });
}
