/** Arbitrary tensors and metadata for the tests of the checkpoint formats. */
import fc from 'fast-check';
import type { HostTensor } from '../../src/checkpoint/safetensors.js';
import { arrayConstructor, DTYPES } from '../../src/kernels/dtype.js';

/** A tensor of any dtype, of any bits (NaN with a payload too), of rank 0 to 3, perhaps empty. */
const hostTensor: fc.Arbitrary<HostTensor> = fc
  .tuple(fc.constantFrom(...DTYPES), fc.array(fc.nat(4), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const View = arrayConstructor(dtype) as unknown as new (buffer: ArrayBuffer) => HostTensor['data'];
    const byteCount = length * arrayConstructor(dtype).BYTES_PER_ELEMENT;
    return fc
      .uint8Array({ minLength: byteCount, maxLength: byteCount, max: dtype === 'bool' ? 1 : 255 })
      .map((bytes) => ({ dtype, shape, data: new View(Uint8Array.from(bytes).buffer) }));
  });

// Names that are special to objects, to the format, or to other languages.
const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '0', '10', '', 'модель/卷积.weight', '"', '\\', '\0', '\n'),
);

export const hostTensors: fc.Arbitrary<Map<string, HostTensor>> = fc
  .array(
    fc.tuple(
      name.filter((text) => text !== '__metadata__'),
      hostTensor,
    ),
    { maxLength: 6 },
  )
  .map((entries) => new Map(entries));

export const metadata: fc.Arbitrary<Record<string, string>> = fc
  .array(fc.tuple(name, fc.string({ unit: 'binary' })), { maxLength: 4 })
  .map((entries) => Object.fromEntries(entries) as Record<string, string>);

/** A form that compares by bits: -0 is not 0, and NaN has its payload. */
export const asBits = (tensors: ReadonlyMap<string, HostTensor>): unknown =>
  new Map(
    Array.from(tensors, ([key, { dtype, shape, data }]) => [
      key,
      {
        dtype,
        shape,
        kind: data.constructor.name,
        bytes: Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      },
    ]),
  );
