/**
 * A checksum over everything a checkpoint holds. Safetensors has none, so a flipped bit in a weight
 * would be read as another weight.
 */
import type { HostTensor } from './safetensors.js';

/** The metadata entry that holds the checksum; it is not part of what the checksum covers. */
export const CHECKSUM_KEY = 'quantgrad.checksum';

/** 0x04c11db7 with its bits reversed: the polynomial of ISO 3309, as in zip, zlib and PNG. */
const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/** CRC-32 as zlib's; `previous` continues from bytes that came before. Every change within 32 adjacent bits is found. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (let index = 0; index < bytes.length; index++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[index]) & 0xff];
  return ~crc >>> 0;
}

/** Orders by UTF-16 code units, which no locale changes. */
const byName = ([first]: readonly [string, unknown], [second]: readonly [string, unknown]): number =>
  first < second ? -1 : first > second ? 1 : 0;

/**
 * `crc32:` and 8 hexadecimal digits: the CRC-32 of, for each tensor in the order of names, the JSON array
 * [name, dtype, shape] and the bytes of its values, then for each metadata entry in the order of keys the
 * JSON array [key, value]. It does not depend on where in a file things stand.
 */
export function checksum(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): string {
  const encoder = new TextEncoder();
  let crc = 0;
  for (const [name, { dtype, shape, data }] of [...tensors].sort(byName)) {
    crc = crc32(encoder.encode(JSON.stringify([name, dtype, shape])), crc);
    crc = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc);
  }
  for (const entry of Object.entries(metadata).sort(byName)) {
    if (entry[0] !== CHECKSUM_KEY) crc = crc32(encoder.encode(JSON.stringify(entry)), crc);
  }
  return `crc32:${crc.toString(16).padStart(8, '0')}`;
}
