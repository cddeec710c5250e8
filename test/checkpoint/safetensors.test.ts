import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../src/checkpoint/safetensors.js';
import { FormatError, QuantGradError, UnsupportedError, ValidationError } from '../../src/errors.js';
import { asBits, hostTensors, metadata } from './hostTensors.js';

const float32 = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

/** A file of any header, right or wrong. */
function fileOf(header: unknown, data: ArrayLike<number> = [], headerBytes?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, headerBytes ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const headerOf = (bytes: Uint8Array): Record<string, unknown> => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, unknown>;
};

describe('round trip', () => {
  it('gives back all tensors, bit for bit, and all metadata', () => {
    fc.assert(
      fc.property(hostTensors, metadata, (tensors, entries) => {
        const decoded = decodeSafetensors(encodeSafetensors(tensors, entries));
        expect(asBits(decoded.tensors)).toEqual(asBits(tensors));
        expect(Object.entries(decoded.metadata).sort()).toEqual(Object.entries(entries).sort());
      }),
      { numRuns: 300 },
    );
  });

  it('reads from any position of a larger buffer, and keeps no hold of it', () => {
    fc.assert(
      fc.property(hostTensors, fc.nat(9), (tensors, offset) => {
        const file = encodeSafetensors(tensors);
        const larger = new Uint8Array(file.length + 20).fill(0xab);
        larger.set(file, offset);
        const decoded = decodeSafetensors(larger.subarray(offset, offset + file.length));
        larger.fill(0);
        expect(asBits(decoded.tensors)).toEqual(asBits(tensors));
      }),
      { numRuns: 50 },
    );
  });

  it('writes views of larger arrays', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const { tensors } = decodeSafetensors(encodeSafetensors(new Map([['a', { dtype: 'float32', shape: [2], data }]])));
    expect(tensors.get('a')).toEqual(float32([2], 2, 3));
  });
});

describe('the layout', () => {
  it('is the documented one', () => {
    const tensors = new Map<string, HostTensor>([
      ['b', { dtype: 'int8', shape: [3], data: Int8Array.of(1, -1, 2) }],
      ['w', float32([1, 2], 1, -2)],
    ]);
    const file = encodeSafetensors(tensors, { format: 'pt' });
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    expect(headerOf(file)).toEqual({
      __metadata__: { format: 'pt' },
      w: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
      b: { dtype: 'I8', shape: [3], data_offsets: [8, 11] },
    });
    expect(Array.from(file.subarray(8 + headerBytes))).toEqual([0, 0, 128, 63, 0, 0, 0, 192, 1, 255, 2]);
  });

  it('aligns every tensor to its elements', () => {
    fc.assert(
      fc.property(hostTensors, (tensors) => {
        const file = encodeSafetensors(tensors);
        const dataStart = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
        const header = headerOf(file) as Record<string, { data_offsets: [number, number] }>;
        for (const [name, { data }] of tensors) {
          expect((dataStart + header[name].data_offsets[0]) % data.BYTES_PER_ELEMENT).toBe(0);
        }
      }),
    );
  });
});

describe('files of other writers', () => {
  // Written by Python's safetensors (fixtures/make_fixture.py).
  const file = new Uint8Array(readFileSync(new URL('fixtures/python.safetensors', import.meta.url)));

  it('are read in every element type', () => {
    const { tensors, metadata: entries } = decodeSafetensors(file, 'python.safetensors');
    expect(entries).toEqual({ 'made by': 'Python', ключ: '{"a": 1}' });
    const infinity = Number.POSITIVE_INFINITY;
    const expected: Record<string, HostTensor> = {
      float32: float32([2, 3], 1.5, -0, 3.4028234663852886e38, 1e-45, infinity, -infinity),
      float64: { dtype: 'float64', shape: [3], data: Float64Array.of(0.1, -1e300, 5e-324) },
      int32: { dtype: 'int32', shape: [3], data: Int32Array.of(-(2 ** 31), -1, 2 ** 31 - 1) },
      int8: { dtype: 'int8', shape: [3, 1], data: Int8Array.of(-128, 0, 127) },
      uint8: { dtype: 'uint8', shape: [3], data: Uint8Array.of(0, 128, 255) },
      bool: { dtype: 'bool', shape: [4], data: Uint8Array.of(1, 0, 1, 1) },
      float16: float32([7], 0.0999755859375, -2, 65504, 2 ** -24, 6.0975551605224609e-5, infinity, -0),
      bfloat16: float32([4], 0.10009765625, -3, 3.00405527047391e38, -infinity),
      int64: { dtype: 'int32', shape: [3], data: Int32Array.of(-(2 ** 31), 7, 2 ** 31 - 1) },
      int16: { dtype: 'int32', shape: [2], data: Int32Array.of(-32768, 32767) },
      scalar: float32([], 2.5),
      empty: float32([0, 3]),
      '層/0.weight': float32([1], 1),
      7: float32([1], 7),
    };
    expect(Object.fromEntries(tensors)).toEqual(expected);
  });

  it('are written again so that they mean the same', () => {
    const first = decodeSafetensors(file);
    const second = decodeSafetensors(encodeSafetensors(first.tensors, first.metadata));
    expect(asBits(second.tensors)).toEqual(asBits(first.tensors));
    expect(second.metadata).toEqual(first.metadata);
  });

  it('may have data that is not aligned', () => {
    const header =
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}';
    for (const padding of ['', ' ', '   ']) {
      const { tensors } = decodeSafetensors(fileOf(header + padding, [9, 0, 0, 128, 63]));
      expect(tensors.get('b')).toEqual(float32([1], 1));
    }
  });

  it('may have NaN and subnormal numbers in half precision', () => {
    const header = { a: { dtype: 'F16', shape: [4], data_offsets: [0, 8] } };
    const { tensors } = decodeSafetensors(fileOf(header, [0x00, 0x7e, 0xff, 0x03, 0x01, 0x80, 0x00, 0x04]));
    expect(Array.from(tensors.get('a')!.data)).toEqual([Number.NaN, 1023 * 2 ** -24, -(2 ** -24), 2 ** -14]);
  });

  it.each([
    ['I64', [0, 0, 0, 128, 0, 0, 0, 0], '2147483648'],
    ['U64', [255, 255, 255, 255, 255, 255, 255, 255], '18446744073709551615'],
    ['U32', [0, 0, 0, 128], '2147483648'],
  ])('of type %s must fit int32', (dtype, data, value) => {
    const file = fileOf({ steps: { dtype, shape: [1], data_offsets: [0, data.length] } }, data);
    expect(() => decodeSafetensors(file, 'x.safetensors')).toThrow(
      expect.objectContaining({ name: 'UnsupportedError', code: 'VALUE_OUT_OF_RANGE', details: { index: 0, value } }),
    );
    expect(() => decodeSafetensors(file, 'x.safetensors')).toThrow(/x\.safetensors: the tensor "steps".*index 0/);
  });

  it.each(['F8_E4M3', 'C64', 'f32', 'toString'])('of the type %s are refused by name', (dtype) => {
    const file = fileOf({ a: { dtype, shape: [0], data_offsets: [0, 0] } });
    expect(() => decodeSafetensors(file)).toThrow(UnsupportedError);
    expect(() => decodeSafetensors(file)).toThrow(`"${dtype}"`);
  });
});

describe('damaged files', () => {
  const entry = { dtype: 'U8', shape: [2], data_offsets: [0, 2] };
  const second = { dtype: 'U8', shape: [2], data_offsets: [2, 4] };
  const bad = (change: object): unknown => ({ a: { ...entry, ...change } });

  it.each<[string, string, Uint8Array]>([
    ['no bytes', 'TRUNCATED', new Uint8Array(0)],
    ['half a length', 'TRUNCATED', new Uint8Array(7)],
    ['a header that goes on behind the end', 'TRUNCATED', fileOf('{}', [], 3n)],
    ['a header of impossible length', 'HEADER_TOO_LONG', fileOf('{}', [], 2n ** 63n)],
    ['a header of more than 100 MB', 'HEADER_TOO_LONG', fileOf('{}', [], 100_000_001n)],
    ['a header that is not UTF-8', 'BAD_HEADER', fileOf('', [0x7b, 0xff, 0x7d], 3n)],
    ['a header that is not JSON', 'BAD_HEADER', fileOf('{"a":')],
    ['a header of zeros', 'BAD_HEADER', fileOf('\0\0')],
    ['no header', 'BAD_HEADER', fileOf('')],
    ['a list as header', 'BAD_HEADER', fileOf('[]')],
    ['null as header', 'BAD_HEADER', fileOf('null')],
    ['a header that does not begin with {', 'BAD_HEADER', fileOf(' {}')],
    ['a byte order mark', 'BAD_HEADER', fileOf('\ufeff{}')],
    ['metadata that is a list', 'BAD_METADATA', fileOf({ __metadata__: ['a'] })],
    ['metadata that is a number', 'BAD_METADATA', fileOf({ __metadata__: { a: 1 } })],
    ['an entry that is a number', 'BAD_ENTRY', fileOf({ a: 1 })],
    ['no dtype', 'BAD_ENTRY', fileOf(bad({ dtype: undefined }), [1, 2])],
    ['no shape', 'BAD_ENTRY', fileOf(bad({ shape: 2 }), [1, 2])],
    ['a negative extent', 'BAD_ENTRY', fileOf(bad({ shape: [-1, -2] }), [1, 2])],
    ['a fraction as extent', 'BAD_ENTRY', fileOf(bad({ shape: [0.5, 4] }), [1, 2])],
    ['no offsets', 'BAD_ENTRY', fileOf(bad({ data_offsets: undefined }), [1, 2])],
    ['three offsets', 'BAD_ENTRY', fileOf(bad({ data_offsets: [0, 1, 2] }), [1, 2])],
    ['an end before the begin', 'BAD_ENTRY', fileOf(bad({ shape: [0], data_offsets: [2, 0] }), [1, 2])],
    ['a negative offset', 'BAD_ENTRY', fileOf(bad({ data_offsets: [-2, 0] }), [1, 2])],
    ['too few bytes for the shape', 'SIZE_MISMATCH', fileOf(bad({ shape: [3] }), [1, 2])],
    ['a shape whose product overflows', 'SIZE_MISMATCH', fileOf(bad({ shape: [2 ** 40, 2 ** 40] }), [1, 2])],
    ['the wrong dtype', 'SIZE_MISMATCH', fileOf(bad({ dtype: 'F32' }), [1, 2])],
    ['data that ends early', 'TRUNCATED', fileOf({ a: entry, b: second }, [1, 2, 3])],
    ['data that goes on', 'TRAILING_BYTES', fileOf({ a: entry }, [1, 2, 3])],
    ['data without a tensor', 'TRAILING_BYTES', fileOf({}, [1])],
    ['tensors that share bytes', 'OVERLAP', fileOf({ a: entry, b: { ...second, data_offsets: [1, 3] } }, [1, 2, 3])],
    ['tensors on the same bytes', 'OVERLAP', fileOf({ a: entry, b: entry }, [1, 2])],
    ['a gap', 'GAP', fileOf({ a: entry, b: { ...second, data_offsets: [3, 5] } }, [1, 2, 3, 4, 5])],
    ['a gap at the begin', 'GAP', fileOf({ a: { ...entry, data_offsets: [1, 3] } }, [1, 2, 3])],
    [
      'an empty tensor out of place',
      'GAP',
      fileOf({ a: entry, b: { ...second, shape: [0], data_offsets: [3, 3] } }, [1, 2, 3]),
    ],
    ['a boolean of 2', 'BAD_BOOL', fileOf(bad({ dtype: 'BOOL' }), [1, 2])],
  ])('%s is %s', (_, code, file) => {
    const where = 'models/last.safetensors';
    expect(() => decodeSafetensors(file, where)).toThrow(FormatError);
    expect(() => decodeSafetensors(file, where)).toThrow(expect.objectContaining({ code, details: { where } }));
    expect(() => decodeSafetensors(file, where)).toThrow(/^models\/last\.safetensors: .*another copy\.$/);
  });

  it('are refused wherever they are cut', () => {
    fc.assert(
      fc.property(
        hostTensors,
        metadata,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (tensors, entries, part) => {
          const file = encodeSafetensors(tensors, entries);
          expect(() => decodeSafetensors(file.subarray(0, Math.floor(part * file.length)))).toThrow(FormatError);
        },
      ),
    );
  });

  it('never end in anything but a typed error', () => {
    fc.assert(
      fc.property(hostTensors, fc.nat(), fc.nat(255), (tensors, position, value) => {
        const file = encodeSafetensors(tensors);
        file[position % file.length] = value;
        try {
          decodeSafetensors(file);
        } catch (error) {
          expect(error).toBeInstanceOf(QuantGradError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('what cannot be written', () => {
  const encode = (name: string, tensor: unknown): (() => Uint8Array) => {
    return () => encodeSafetensors(new Map([[name, tensor as HostTensor]]));
  };

  it.each<[string, string, string, unknown]>([
    ['the name of the metadata', 'BAD_TENSOR_NAME', '__metadata__', float32([1], 1)],
    ['half a UTF-16 pair', 'BAD_TENSOR_NAME', 'a\ud800', float32([1], 1)],
    ['an unknown dtype', 'BAD_DTYPE', 'a', { ...float32([1], 1), dtype: 'float16' }],
    ['an inherited property as dtype', 'BAD_DTYPE', 'a', { ...float32([1], 1), dtype: 'constructor' }],
    ['a negative extent', 'BAD_SHAPE', 'a', float32([-1, -1], 1)],
    ['an array of another dtype', 'BAD_DATA', 'a', { ...float32([1], 1), dtype: 'int32' }],
    ['too few values', 'BAD_DATA', 'a', float32([2], 1)],
    ['a boolean of 2', 'BAD_DATA', 'a', { dtype: 'bool', shape: [1], data: Uint8Array.of(2) }],
  ])('%s', (_, code, name, tensor) => {
    expect(encode(name, tensor)).toThrow(ValidationError);
    expect(encode(name, tensor)).toThrow(expect.objectContaining({ code }));
    expect(encode(name, tensor)).toThrow(JSON.stringify(name));
  });

  it('metadata that is not text', () => {
    const write = (entries: unknown): (() => Uint8Array) => {
      return () => encodeSafetensors(new Map(), entries as Record<string, string>);
    };
    expect(write({ epoch: 1 })).toThrow(expect.objectContaining({ name: 'ValidationError', code: 'BAD_METADATA' }));
    expect(write({ a: '\udfff' })).toThrow(ValidationError);
    expect(write({ '\udfff': 'a' })).toThrow(ValidationError);
  });
});
