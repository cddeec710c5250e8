/** Collation: how samples become a batch. The batch axis comes first. */
import { BackendError, DTypeError, ShapeError, ValidationError } from '../errors.js';
import { allocateArray, type DType, type TypedArray } from '../kernels/dtype.js';
import { dtypeOf, fromValues } from '../tensor/create.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

/** The batch of samples of type `Sample`: each tensor, typed array, number or boolean becomes a tensor. */
export type Collated<Sample> = Sample extends Tensor | TypedArray | number | boolean
  ? Tensor
  : Sample extends readonly unknown[] | Readonly<Record<string, unknown>>
    ? { -readonly [Key in keyof Sample]: Collated<Sample[Key]> }
    : unknown;

const isTypedArray = (value: unknown): value is TypedArray => ArrayBuffer.isView(value) && !(value instanceof DataView);
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

/**
 * Stacks samples:
 * - tensors [..] -> a tensor [N, ..] of the same dtype;
 * - typed arrays of length L -> a tensor [N, L] of the array's dtype;
 * - numbers -> a tensor [N], int32 if all are whole numbers of 32 bits (labels), else float32. Give targets that
 *   are measured values as tensors or typed arrays, so that a batch of round values is not taken for labels;
 * - booleans -> a bool tensor [N];
 * - arrays and plain objects -> the same structure, collated part by part.
 *
 * @throws ValidationError, ShapeError or DTypeError, saying which part of which sample does not fit the first one
 */
export function defaultCollate<Sample>(samples: readonly Sample[]): Collated<Sample> {
  if (samples.length === 0) throw new ValidationError('EMPTY_BATCH', 'collate: there are no samples to stack.');
  return collateAt(samples, '') as Collated<Sample>;
}

function collateAt(samples: readonly unknown[], path: string): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stackTensors(allOf(samples, (each) => each instanceof Tensor, path, 'a tensor'));
  if (isTypedArray(first)) return stackArrays(allOf(samples, isTypedArray, path, 'a typed array'), path);
  if (typeof first === 'number')
    return stackNumbers(allOf(samples, (each) => typeof each === 'number', path, 'a number'));
  if (typeof first === 'boolean') {
    const list = allOf(samples, (each): each is boolean => typeof each === 'boolean', path, 'a boolean');
    return fromValues(Uint8Array.from(list, Number), [list.length], 'bool');
  }
  if (Array.isArray(first)) {
    const list = allOf(
      samples,
      (each): each is unknown[] => Array.isArray(each) && each.length === first.length,
      path,
      `an array of ${first.length}`,
    );
    return first.map((_, position) =>
      collateAt(
        list.map((each) => each[position]),
        `${path}[${position}]`,
      ),
    );
  }
  if (isPlain(first)) {
    const names = Object.keys(first);
    const alike = (each: unknown): each is Record<string, unknown> =>
      isPlain(each) && Object.keys(each).length === names.length && names.every((name) => name in each);
    const list = allOf(samples, alike, path, `an object with ${names.join(', ')}`);
    return Object.fromEntries(
      names.map((name) => [
        name,
        collateAt(
          list.map((each) => each[name]),
          `${path}.${name}`,
        ),
      ]),
    );
  }
  throw new ValidationError(
    'CANNOT_COLLATE',
    `collate: ${part(path)} is ${describe(first)}, which cannot become a tensor. Turn it into a number, a typed array or a ` +
      'tensor with the transform option, or give a collate function of your own.',
  );
}

/** The samples, if all are of the first one's kind. */
function allOf<T>(samples: readonly unknown[], fits: (value: unknown) => value is T, path: string, kind: string): T[] {
  samples.forEach((sample, position) => {
    if (!fits(sample)) {
      throw new ValidationError(
        'MIXED_SAMPLES',
        `collate: ${part(path)} is ${kind} in the first sample of the batch, but ${describe(sample)} in sample ${position}.`,
        { position },
      );
    }
  });
  return samples as T[];
}

/** Stacks tensors of one shape, dtype and backend along a new first axis. Gradients do not flow through. */
function stackTensors(tensors: readonly Tensor[]): Tensor {
  const [{ shape, dtype, backend }] = tensors;
  tensors.forEach((each, position) => {
    if (!sameShape(each.shape, shape)) {
      throw new ShapeError(
        'SAMPLE_SHAPE',
        `collate: the tensor of sample ${position} of the batch has shape ${formatShape(each.shape)}, the first one's ${formatShape(shape)}. ` +
          'Bring them to one shape with the transform option, or give a collate function of your own.',
        { position },
      );
    }
    if (each.dtype !== dtype) {
      throw new DTypeError(
        'SAMPLE_DTYPE',
        `collate: the tensor of sample ${position} of the batch is ${each.dtype}, the first one's ${dtype}.`,
        { position },
      );
    }
    if (each.backend !== backend) {
      throw new BackendError(
        'MIXED_BACKENDS',
        `collate: the tensor of sample ${position} of the batch is on ${each.backend.name}, the first one's on ${backend.name}.`,
      );
    }
  });
  const batch = [tensors.length, ...shape];
  if (tensors.length === 1) return new Tensor(tensors[0].storage, batch, dtype, backend);
  const rows = tensors.map(({ storage }) => ({ storage, shape: [1, ...shape], dtype }));
  const [storage] = backend.run('concat', rows, { axis: 0 }, [{ shape: batch, dtype }]);
  return new Tensor(storage, batch, dtype, backend);
}

function stackArrays(arrays: readonly TypedArray[], path: string): Tensor {
  const [first] = arrays;
  const dtype = dtypeOf(first);
  const values = allocateArray(dtype, arrays.length * first.length);
  arrays.forEach((each, position) => {
    if (each.length !== first.length || each.constructor !== first.constructor) {
      throw new ShapeError(
        'SAMPLE_SHAPE',
        `collate: ${part(path)} is ${describe(first)} in the first sample of the batch, but ${describe(each)} in sample ${position}.`,
        { position },
      );
    }
    values.set(each, position * first.length);
  });
  return fromValues(values, [arrays.length, first.length], dtype);
}

function stackNumbers(numbers: readonly number[]): Tensor {
  const dtype: DType = numbers.every((each) => Object.is(each, each | 0)) ? 'int32' : 'float32';
  const values = allocateArray(dtype, numbers.length);
  values.set(numbers);
  return fromValues(values, [numbers.length], dtype);
}

/** Rows of a tensor, as `defaultCollate` would stack them one by one. */
export function selectRows(tensor: Tensor, indices: readonly number[]): Tensor {
  const { backend, dtype } = tensor;
  const shape = [indices.length, ...tensor.shape.slice(1)];
  const rows = {
    storage: backend.upload(Int32Array.from(indices), 'int32'),
    shape: [indices.length],
    dtype: 'int32' as const,
  };
  const [storage] = backend.run(
    'gather',
    [{ storage: tensor.storage, shape: tensor.shape, dtype }, rows],
    { axis: 0 },
    [{ shape, dtype }],
  );
  return new Tensor(storage, shape, dtype, backend);
}

/** One row of a tensor [N, ..], as a tensor [..]. */
export function selectRow(tensor: Tensor, index: number): Tensor {
  const { backend, dtype } = tensor;
  const shape = tensor.shape.slice(1);
  const begin = [index, ...shape.map(() => 0)];
  const attributes = { begin, steps: begin.map(() => 1) };
  const operand = { storage: tensor.storage, shape: tensor.shape, dtype };
  const [storage] = backend.run('slice', [operand], attributes, [{ shape: [1, ...shape], dtype }]);
  return new Tensor(storage, shape, dtype, backend);
}

const part = (path: string): string => (path === '' ? 'a sample' : `part ${path.replace(/^\./, '')} of a sample`);

function describe(value: unknown): string {
  if (value instanceof Tensor) return `a tensor of shape ${formatShape(value.shape)}`;
  if (isTypedArray(value)) return `${value.constructor.name} of ${value.length} elements`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value === null || typeof value !== 'object')
    return typeof value === 'string' ? `the string '${value}'` : String(value);
  return isPlain(value) ? `an object with ${Object.keys(value).join(', ')}` : `a ${value.constructor.name}`;
}
