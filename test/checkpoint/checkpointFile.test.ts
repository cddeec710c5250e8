import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCheckpointFile, encodeCheckpointFile } from '../../src/checkpoint/checkpointFile.js';
import { CHECKSUM_KEY, checksum, crc32 } from '../../src/checkpoint/checksum.js';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../src/checkpoint/safetensors.js';
import { CheckpointError, ValidationError } from '../../src/errors.js';
import { asBits, hostTensors, metadata } from './hostTensors.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const small = new Map<string, HostTensor>([
  ['conv.weight', { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, -2, 0, 0.5) }],
  ['steps', { dtype: 'int32', shape: [], data: Int32Array.of(7) }],
  ['mask', { dtype: 'bool', shape: [2], data: Uint8Array.of(0, 1) }],
]);
const configuration = { quantization: '{"bits":8}', version: '1' };

describe('crc32', () => {
  it('gives the check value of its definition', () => {
    expect(crc32(text('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  it('goes on where it stopped', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (first, second) => {
        expect(crc32(second, crc32(first))).toBe(crc32(Uint8Array.of(...first, ...second)));
      }),
    );
  });
});

describe('checksum', () => {
  it('is the one that Python computes', () => {
    // zlib.crc32 over json.dumps([name, dtype, shape], separators=(',', ':')) and the values, by name.
    expect(checksum(small, configuration)).toBe('crc32:49026213');
  });

  it('does not depend on order, nor on the checksum itself', () => {
    const reversed = new Map([...small].reverse());
    const entries = { [CHECKSUM_KEY]: 'x', version: '1', quantization: '{"bits":8}' };
    expect(checksum(reversed, entries)).toBe(checksum(small, configuration));
  });

  it('depends on names, dtypes, shapes, values and metadata', () => {
    const weight = small.get('conv.weight')!;
    const sums = [
      checksum(small, configuration),
      checksum(small, { ...configuration, version: '2' }),
      checksum(small, {}),
      checksum(new Map([...small, ['conv.weight', { ...weight, shape: [4] }]])),
      checksum(new Map([...small, ['conv.weight', { ...weight, data: Float32Array.of(1, -2, -0, 0.5) }]])),
      checksum(new Map([...small, ['mask', { dtype: 'uint8', shape: [2], data: Uint8Array.of(0, 1) }]])),
      checksum(new Map([...small].map(([name, tensor]) => [`${name}.`, tensor]))),
    ];
    expect(new Set(sums).size).toBe(sums.length);
  });
});

describe('checkpoint files', () => {
  it('give back what was written', () => {
    fc.assert(
      fc.property(
        hostTensors,
        metadata.filter((entries) => !Object.hasOwn(entries, CHECKSUM_KEY)),
        (tensors, entries) => {
          const decoded = decodeCheckpointFile(encodeCheckpointFile(tensors, entries));
          expect(asBits(decoded.tensors)).toEqual(asBits(tensors));
          expect(Object.entries(decoded.metadata).sort()).toEqual(Object.entries(entries).sort());
        },
      ),
    );
  });

  it('are safetensors files, and stay valid when another program writes them in another order', () => {
    const { tensors, metadata: entries } = decodeSafetensors(encodeCheckpointFile(small, configuration));
    const reordered = encodeSafetensors(
      new Map([...tensors].reverse()),
      Object.fromEntries(Object.entries(entries).reverse()),
    );
    expect(decodeCheckpointFile(reordered).metadata).toEqual(configuration);
  });

  it('tell every flipped bit', () => {
    const file = encodeCheckpointFile(small, configuration);
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = file.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(() => decodeCheckpointFile(damaged), `bit ${bit}`).toThrow(CheckpointError);
    }
  });

  it('tell every cut', () => {
    const file = encodeCheckpointFile(small, configuration);
    for (let length = 0; length < file.length; length++) {
      expect(() => decodeCheckpointFile(file.subarray(0, length)), `length ${length}`).toThrow(CheckpointError);
    }
  });

  it('say what is wrong, where, and what to do', () => {
    const file = encodeCheckpointFile(small, configuration);
    file[file.length - 1] ^= 1;
    expect(() => decodeCheckpointFile(file, 'last.safetensors')).toThrow(
      expect.objectContaining({
        code: 'CHECKSUM_MISMATCH',
        details: expect.objectContaining({ where: 'last.safetensors' }),
      }),
    );
    expect(() => decodeCheckpointFile(file, 'last.safetensors')).toThrow(/^last\.safetensors: .*older checkpoint\.$/);
    expect(() => decodeCheckpointFile(encodeSafetensors(small))).toThrow(
      expect.objectContaining({ code: 'NO_CHECKSUM' }),
    );
    expect(() => decodeCheckpointFile(new Uint8Array(3))).toThrow(expect.objectContaining({ code: 'TRUNCATED' }));
  });

  it('keep the key of the checksum to themselves', () => {
    expect(() => encodeCheckpointFile(small, { [CHECKSUM_KEY]: 'crc32:00000000' })).toThrow(ValidationError);
  });
});
