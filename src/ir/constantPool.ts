/** The `.bin` file being written: raw little-endian constants, each content once. */

/** Where a constant lies. */
export interface ConstantPlace {
  readonly offset: number;
  readonly size: number;
}

export class ConstantPool {
  readonly #pieces: Uint8Array[] = [];
  readonly #places = new Map<number, { place: ConstantPlace; bytes: Uint8Array }[]>();
  #end = 0;

  /**
   * The place of these bytes; those of an equal constant if there is one.
   * @param alignment The offset is a multiple of it; the format asks for none, but readers map the file.
   */
  add(bytes: Uint8Array, alignment: number): ConstantPlace {
    const key = hash(bytes);
    const candidates = this.#places.get(key) ?? [];
    const known = candidates.find((each) => each.place.offset % alignment === 0 && sameBytes(each.bytes, bytes));
    if (known) return known.place;
    const padding = (alignment - (this.#end % alignment)) % alignment;
    if (padding > 0) this.#pieces.push(new Uint8Array(padding));
    const place = { offset: this.#end + padding, size: bytes.length };
    this.#pieces.push(bytes);
    this.#end = place.offset + place.size;
    this.#places.set(key, [...candidates, { place, bytes }]);
    return place;
  }

  /** The content of the file. */
  toBytes(): Uint8Array {
    const result = new Uint8Array(this.#end);
    let offset = 0;
    for (const piece of this.#pieces) {
      result.set(piece, offset);
      offset += piece.length;
    }
    return result;
  }
}

/** FNV-1a of the bytes and their number. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5 ^ bytes.length;
  for (let index = 0; index < bytes.length; index++) value = Math.imul(value ^ bytes[index], 0x01000193);
  return value >>> 0;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
