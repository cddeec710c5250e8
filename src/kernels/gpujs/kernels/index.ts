/** The kernels that run on GPU.js itself; the backend takes the reference kernels for the rest. */
import type { KernelAttributes, KernelName, TensorType } from '../../contract.js';
import { type Program, type ProgramWriter, sizeOf } from '../program.js';
import { adamUpdate } from './adamUpdate.js';
import { adaptiveAvgPool2d, adaptiveAvgPool2dGradient } from './adaptiveAvgPool2d.js';
import { avgPool2d, avgPool2dGradient } from './avgPool2d.js';
import { batchNorm, batchNormGradient, batchNormInference, batchNormStatistics } from './batchNorm.js';
import { broadcast } from './broadcast.js';
import { clamp } from './clamp.js';
import { concat } from './concat.js';
import { conv2d } from './conv2d.js';
import { conv2dFilterGradient } from './conv2dFilterGradient.js';
import { conv2dInputGradient } from './conv2dInputGradient.js';
import { convert } from './convert.js';
import { binary, unary } from './elementwise.js';
import { elu } from './elu.js';
import { fakeQuantize, fakeQuantizeCodes } from './fakeQuantize.js';
import { fakeQuantizeGradient } from './fakeQuantizeGradient.js';
import { fakeQuantizeOpenvino } from './fakeQuantizeOpenvino.js';
import { gather, gatherElements, gatherElementsGradient, gatherGradient } from './gather.js';
import { interpolate, interpolateGradient } from './interpolate.js';
import { matMul } from './matMul.js';
import { maxPool2d, maxPool2dGradient } from './maxPool2d.js';
import { mvn, mvnGradient } from './mvn.js';
import { pad, padGradient } from './pad.js';
import { reduce } from './reduce.js';
import { rmspropUpdate } from './rmspropUpdate.js';
import { select } from './select.js';
import { sgdUpdate } from './sgdUpdate.js';
import { slice, sliceGradient } from './slice.js';
import { logSoftmax, softmax } from './softmax.js';
import { MAX_LENGTH } from './source.js';
import { topK } from './topK.js';
import { transpose } from './transpose.js';

type ProgramWriters = { readonly [K in KernelName]?: ProgramWriter<K> };

const PROGRAMS: ProgramWriters = {
  matMul,
  conv2d,
  conv2dInputGradient,
  conv2dFilterGradient,
  maxPool2d,
  maxPool2dGradient,
  avgPool2d,
  avgPool2dGradient,
  adaptiveAvgPool2d,
  adaptiveAvgPool2dGradient,
  batchNorm,
  batchNormStatistics,
  batchNormInference,
  batchNormGradient,
  mvn,
  mvnGradient,
  interpolate,
  interpolateGradient,
  fakeQuantize,
  fakeQuantizeGradient,
  sgdUpdate,
  unary,
  binary,
  select,
  clamp,
  elu,
  convert,
  broadcast,
  transpose,
  concat,
  slice,
  sliceGradient,
  pad,
  padGradient,
  reduce,
  softmax,
  logSoftmax,
  gather,
  gatherGradient,
  gatherElements,
  gatherElementsGradient,
  fakeQuantizeCodes,
  fakeQuantizeOpenvino,
  adamUpdate,
  rmspropUpdate,
  topK,
};

/** Kernels with a program of their own, for at least some of their attributes. */
export const NATIVE_KERNELS = Object.keys(PROGRAMS) as readonly KernelName[];

/**
 * Kernels whose writers look at dtypes themselves. The device holds integers and bools as whole numbers in float32, exact up
 * to 2^24: a writer takes them where its results are so too. The others get float32 alone.
 */
const TAKE_WHOLE_NUMBERS: readonly KernelName[] = [
  'maxPool2d',
  'maxPool2dGradient',
  'unary',
  'binary',
  'select',
  'clamp',
  'convert',
  'broadcast',
  'transpose',
  'concat',
  'slice',
  'sliceGradient',
  'pad',
  'padGradient',
  'reduce',
  'gather',
  'gatherGradient',
  'gatherElements',
  'gatherElementsGradient',
  'fakeQuantizeCodes',
  'topK',
];

/** Device memory holds arrays of at least one element, and few enough to be indexed exactly. */
const fitsDevice = ({ dtype, shape }: TensorType, wholeNumbers: boolean): boolean => {
  const length = sizeOf(shape);
  return (dtype === 'float32' || (wholeNumbers && dtype !== 'float64')) && length > 0 && length < MAX_LENGTH;
};

/** The program of a kernel; undefined if it cannot run on the device. */
export function writeProgram<K extends KernelName>(
  kernel: K,
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
): Program | undefined {
  const write = PROGRAMS[kernel] as ProgramWriter<K> | undefined;
  const wholeNumbers = TAKE_WHOLE_NUMBERS.includes(kernel);
  if (write === undefined || ![...inputs, ...outputs].every((each) => fitsDevice(each, wholeNumbers))) {
    return undefined;
  }
  const program = write(inputs, attributes, outputs);
  return program?.steps.every(({ length }) => length < MAX_LENGTH) ? program : undefined;
}
