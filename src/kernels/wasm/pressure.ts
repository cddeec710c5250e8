/**
 * Makes the collector work in time. To the engine a tensor is a small object: it does not see the memory of the heap
 * behind it, and would collect dropped tensors long after the heap is full. It does see array buffers. So for every so
 * many bytes that were handed out and not given back, one of that size is made and dropped; nobody writes to it, so the
 * system never gives it memory.
 */
const STEP = 2 ** 27;

export class CollectorPressure {
  #unseen = 0;

  /** Bytes were handed out that come back when their owner is collected. */
  add(bytes: number): void {
    this.#unseen += bytes;
    if (this.#unseen < STEP) return;
    this.#unseen = 0;
    try {
      makeBuffer(STEP);
    } catch {
      // Without room for it the engine has collected already.
    }
  }

  /** Bytes came back. */
  remove(bytes: number): void {
    this.#unseen = Math.max(0, this.#unseen - bytes);
  }
}

const makeBuffer = (bytes: number): number => new ArrayBuffer(bytes).byteLength;
