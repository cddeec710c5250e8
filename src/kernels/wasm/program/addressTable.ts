/**
 * Where the buffers of a program are at present, and every argument that is such an address. Arguments are arrays that
 * are made once; when a buffer moves, only its places in them are written.
 */
import type { ProgramBuffer } from '../../program.js';

interface Use {
  readonly values: number[];
  readonly position: number;
}

interface ArenaUse extends Use {
  readonly offset: number;
}

/** Addresses of buffers with memory of their own: inputs, constants, results and gradients. */
export class AddressTable {
  readonly #addresses = new Map<number, number>();
  readonly #uses = new Map<number, Use[]>();

  bind({ id }: ProgramBuffer, address: number): void {
    if (this.#addresses.get(id) === address) return;
    this.#addresses.set(id, address);
    for (const { values, position } of this.#uses.get(id) ?? []) values[position] = address;
  }

  /** Where the buffer is; 0 if it never was anywhere. */
  addressOf({ id }: ProgramBuffer): number {
    return this.#addresses.get(id) ?? 0;
  }

  /** Lets a place of an array follow the address. */
  follow({ id }: ProgramBuffer, values: number[], position: number): void {
    const list = this.#uses.get(id);
    if (list) list.push({ values, position });
    else this.#uses.set(id, [{ values, position }]);
    values[position] = this.#addresses.get(id) ?? 0;
  }
}

/** Addresses in the arena of one part. */
export class ArenaAddresses {
  readonly #uses: ArenaUse[] = [];
  #base = 0;

  follow(offset: number, values: number[], position: number): void {
    this.#uses.push({ values, position, offset });
    values[position] = this.#base + offset;
  }

  /** Moves all addresses to an arena that begins at `base`. */
  moveTo(base: number): void {
    if (base === this.#base) return;
    this.#base = base;
    for (const { values, position, offset } of this.#uses) values[position] = base + offset;
  }
}
