/** Conversion between types. All are float32 on the device, so only what changes a value is computed. */
import { type DType, isFloating } from '../../dtype.js';
import type { ProgramWriter } from '../program.js';
import { wrap } from './integers.js';
import { type PointwiseWriter, pointwise } from './pointwise.js';

/** Limits that a conversion from float saturates to. float32 has no 2^31 - 1: the host's copy of 2^31 gets it. */
const LIMITS: Partial<Readonly<Record<DType, readonly [number, number]>>> = {
  int32: [-(2 ** 31), 2 ** 31],
  int8: [-128, 127],
  uint8: [0, 255],
};

/** Truncates toward zero and saturates. NaN meets no condition and stays 0. */
const truncate = (x: string, [lowest, highest]: readonly [number, number], y: string): string => `
    let ${y} = 0;
    if (${x} >= 1) { ${y} = Math.floor(${x}); }
    if (${x} <= -1) { ${y} = Math.ceil(${x}); }
    if (${y} > ${highest}) { ${y} = ${highest}; }
    if (${y} < ${lowest}) { ${y} = ${lowest}; }`;

const convertFunction =
  (from: DType, to: DType): PointwiseWriter =>
  ([x], y) => {
    const limits = LIMITS[to];
    if (to === 'bool') {
      // NaN is true; see `notEqual`.
      return `let ${y} = 1; if (${x} === 0) { ${y} = 0; }`;
    }
    return isFloating(from) && limits ? truncate(x, limits, y) : `let ${y} = ${x}; ${wrap(y, to)}`;
  };

export const convert: ProgramWriter<'convert'> = ([x], _attributes, [output]) =>
  pointwise(convertFunction(x.dtype, output.dtype), [x], output);
