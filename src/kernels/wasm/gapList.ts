/** Free stretches of an address range, in order, joined where they touch. Gives the smallest that is large enough. */
interface Gap {
  address: number;
  bytes: number;
}

export class GapList {
  readonly #gaps: Gap[] = [];

  /** Takes `bytes` out of the smallest gap that has them; null if there is none. */
  take(bytes: number): number | null {
    let best = -1;
    for (let index = 0; index < this.#gaps.length; index++) {
      const gap = this.#gaps[index];
      if (gap.bytes >= bytes && (best < 0 || gap.bytes < this.#gaps[best].bytes)) best = index;
    }
    if (best < 0) return null;
    const gap = this.#gaps[best];
    const { address } = gap;
    gap.address += bytes;
    gap.bytes -= bytes;
    if (gap.bytes === 0) this.#gaps.splice(best, 1);
    return address;
  }

  /** Takes the gap that ends at an address; 0 bytes if there is none. */
  takeBefore(end: number): number {
    const last = this.#gaps[this.#gaps.length - 1];
    if (!last || last.address + last.bytes !== end) return 0;
    this.#gaps.pop();
    return last.bytes;
  }

  give(address: number, bytes: number): void {
    const position = this.#positionAfter(address);
    const previous = this.#gaps[position - 1];
    const next = this.#gaps[position];
    const joinsPrevious = previous !== undefined && previous.address + previous.bytes === address;
    const joinsNext = next !== undefined && address + bytes === next.address;
    if (joinsPrevious) {
      previous.bytes += bytes + (joinsNext ? next.bytes : 0);
      if (joinsNext) this.#gaps.splice(position, 1);
    } else if (joinsNext) {
      next.address = address;
      next.bytes += bytes;
    } else this.#gaps.splice(position, 0, { address, bytes });
  }

  /** Number of the first gap behind an address. */
  #positionAfter(address: number): number {
    let [low, high] = [0, this.#gaps.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#gaps[middle].address > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
