/**
 * The safetensors format: a header in JSON with the type, shape and place of every tensor, then their
 * bytes. Pure functions between bytes and host arrays; files are the business of `src/files`.
 *
 *     8 bytes   length N of the header, unsigned, little-endian
 *     N bytes   header in UTF-8: {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {...}},
 *               padded with spaces so that the data begins at a multiple of 8
 *     the rest  the tensors' values, little-endian, row-major, without gaps; offsets count from here
 *
 * Source: https://github.com/huggingface/safetensors#format (also the limit of 100 MB for headers).
 */
import { FormatError, UnsupportedError, ValidationError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import { arrayConstructor, type TypedArray } from '../kernels/dtype.js';
import {
  type ElementType,
  elementsFromBytes,
  elementTypeName,
  findElementType,
  READABLE_ELEMENT_TYPES,
} from './safetensorsTypes.js';

/** A tensor on the host; `data` has the product of `shape` as its length. */
export interface HostTensor extends TensorType {
  readonly data: TypedArray;
}

export interface Safetensors {
  /** In the order in which their values stand in the file. */
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Record<string, string>;
}

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
const MAX_HEADER_BYTES = 100_000_000;
const REMEDY = 'The file is damaged or no safetensors file; write it again or take another copy.';

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Half of a UTF-16 pair without the other half; UTF-8 has no place for it. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/** Values are copied as they lie in memory, which is the format's byte order on all machines that JavaScript is common on. */
function checkByteOrder(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new UnsupportedError('BIG_ENDIAN', 'Reading and writing safetensors needs a little-endian machine.');
  }
}

function checkTensor(name: string, { dtype, shape, data }: HostTensor): void {
  const fail = (code: string, text: string): never => {
    throw new ValidationError(code, `The tensor ${JSON.stringify(name)} cannot be saved: ${text}.`, { name });
  };
  if (name === METADATA || !isWellFormed(name)) fail('BAD_TENSOR_NAME', 'the format does not allow this name');
  if (elementTypeName(dtype) === undefined) fail('BAD_DTYPE', `the dtype ${JSON.stringify(dtype)} is not known`);
  if (shape.some((extent) => !isSize(extent)))
    fail('BAD_SHAPE', `the shape [${shape.join(', ')}] is not of integers from 0 on`);
  if (!(data instanceof arrayConstructor(dtype))) fail('BAD_DATA', `its data is not the array of ${dtype}`);
  if (data.length !== sizeOf(shape)) {
    fail('BAD_DATA', `shape [${shape.join(', ')}] needs ${sizeOf(shape)} values, its data has ${data.length}`);
  }
  if (dtype === 'bool' && data.some((value) => value > 1)) fail('BAD_DATA', 'bool values are 0 or 1');
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string' || !isWellFormed(value) || !isWellFormed(key)) {
      throw new ValidationError(
        'BAD_METADATA',
        `The metadata ${JSON.stringify(key)} is not well-formed text; give strings, such as from JSON.stringify.`,
        { key },
      );
    }
  }
}

/**
 * The bytes of a safetensors file. Tensors of wider elements come first, so that all are aligned, and
 * otherwise in the order of the map: equal input gives equal bytes.
 *
 * @param tensors names and values; `__metadata__` is no name for a tensor
 * @param metadata strings by their names; default none
 * @throws ValidationError for tensors or metadata that the format cannot hold
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  checkByteOrder();
  checkMetadata(metadata);
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  const ordered = [...tensors].sort(
    ([, first], [, second]) => second.data.BYTES_PER_ELEMENT - first.data.BYTES_PER_ELEMENT,
  );
  let end = 0;
  const entries = ordered.map(([name, { dtype, shape, data }]): [string, unknown] => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: elementTypeName(dtype), shape, data_offsets: [begin, end] }];
  });
  if (Object.keys(metadata).length > 0) entries.unshift([METADATA, metadata]);
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(header.length / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new ValidationError(
      'HEADER_TOO_LONG',
      `Names and metadata take ${headerBytes} bytes, the format allows ${MAX_HEADER_BYTES}; save less metadata.`,
    );
  }
  const dataStart = LENGTH_BYTES + headerBytes;
  const bytes = new Uint8Array(dataStart + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(header, LENGTH_BYTES);
  bytes.fill(0x20, LENGTH_BYTES + header.length, dataStart);
  let offset = dataStart;
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** A tensor's entry of the header, checked on its own. */
interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The tensors and metadata in the bytes of a safetensors file. The arrays are copies. F16 and BF16 become
 * float32; I16, U16, U32, I64 and U64 become int32.
 *
 * The format has no checksum: a changed value goes unnoticed here (see `checkpointFile.ts`).
 *
 * @param bytes the whole file
 * @param where what the bytes are, for messages, such as a path
 * @throws FormatError for what is no complete, well-formed safetensors file; its code says why
 * @throws UnsupportedError `ELEMENT_TYPE_NOT_SUPPORTED`, or `VALUE_OUT_OF_RANGE` for an integer that does not fit int32
 */
export function decodeSafetensors(bytes: Uint8Array, where = 'safetensors data'): Safetensors {
  checkByteOrder();
  const fail = (code: string, text: string): never => {
    throw new FormatError(code, `${where}: ${text}. ${REMEDY}`, { where });
  };
  const { header, data } = splitFile(bytes, fail);
  const metadata = Object.hasOwn(header, METADATA) ? readMetadata(header[METADATA], fail) : {};
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name !== METADATA) entries.push(readEntry(name, value, where, fail));
  }
  // A stable sort: empty tensors stay in the header's order.
  entries.sort((first, second) => first.begin - second.begin || first.end - second.end);
  checkPlaces(entries, data.length, fail);
  const tensors = new Map<string, HostTensor>();
  for (const { name, type, shape, begin, end } of entries) {
    const describe = (): string => `${where}: the tensor ${JSON.stringify(name)}`;
    const values = elementsFromBytes(data.subarray(begin, end), type, describe);
    if (type.dtype === 'bool' && values.some((value) => value > 1)) {
      fail('BAD_BOOL', `the tensor ${JSON.stringify(name)} is of booleans but holds bytes other than 0 and 1`);
    }
    tensors.set(name, { dtype: type.dtype, shape, data: values });
  }
  return { tensors, metadata };
}

type Fail = (code: string, text: string) => never;

function splitFile(bytes: Uint8Array, fail: Fail): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < LENGTH_BYTES) {
    fail('TRUNCATED', `it has ${bytes.length} bytes, fewer than the 8 that give the length of the header`);
  }
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES) {
    fail('HEADER_TOO_LONG', `its header would have ${headerBytes} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  }
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > bytes.length) {
    fail('TRUNCATED', `its header should end at byte ${dataStart}, the file ends at ${bytes.length}`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(LENGTH_BYTES, dataStart),
    );
    const header: unknown = JSON.parse(text);
    if (text.startsWith('{') && isRecord(header)) return { header, data: bytes.subarray(dataStart) };
  } catch (error) {
    return fail('BAD_HEADER', `its header is not JSON in UTF-8 (${error instanceof Error ? error.message : error})`);
  }
  return fail('BAD_HEADER', 'its header is not a JSON object');
}

function readMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (!isRecord(value)) return fail('BAD_METADATA', `${METADATA} is not an object`);
  const entries = Object.entries(value).map(([key, text]): [string, string] =>
    typeof text === 'string'
      ? [key, text]
      : fail('BAD_METADATA', `the metadata ${JSON.stringify(key)} is not a string`),
  );
  // Not by assignments: "__proto__" is a key like any other.
  return Object.fromEntries(entries);
}

function readEntry(name: string, value: unknown, where: string, fail: Fail): Entry {
  const label = `the tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) return fail('BAD_ENTRY', `the entry of ${label} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') return fail('BAD_ENTRY', `${label} has no dtype`);
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return fail('BAD_ENTRY', `the shape of ${label} is not a list of integers from 0 on`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
    return fail('BAD_ENTRY', `the data_offsets of ${label} are not a begin and an end`);
  }
  const type = findElementType(dtype);
  if (type === undefined) {
    throw new UnsupportedError(
      'ELEMENT_TYPE_NOT_SUPPORTED',
      `${where}: ${label} is of type ${JSON.stringify(dtype)}; the types that can be read are ` +
        `${READABLE_ELEMENT_TYPES.join(', ')}. Convert it before saving.`,
      { where, name, dtype },
    );
  }
  const [begin, end] = offsets as number[];
  const needed = sizeOf(shape) * type.bytes;
  if (end - begin !== needed) {
    return fail(
      'SIZE_MISMATCH',
      `${label} of ${dtype} [${shape.join(', ')}] needs ${needed} bytes but has ${end - begin}`,
    );
  }
  return { name, type, shape, begin, end };
}

/** The format demands that the tensors cover the data exactly: what is not described could hide anything. */
function checkPlaces(entries: readonly Entry[], dataBytes: number, fail: Fail): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    const label = `the tensor ${JSON.stringify(name)}`;
    if (end > dataBytes) fail('TRUNCATED', `${label} should end at byte ${end} of the data, which has ${dataBytes}`);
    if (begin < covered)
      fail('OVERLAP', `${label} begins at byte ${begin}, before the previous one ends at ${covered}`);
    if (begin > covered) fail('GAP', `the bytes ${covered} to ${begin} before ${label} belong to no tensor`);
    covered = end;
  }
  if (covered < dataBytes) fail('TRAILING_BYTES', `${dataBytes - covered} bytes at the end belong to no tensor`);
}
