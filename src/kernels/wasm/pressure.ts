/**
 * Makes the collector work in time. To the engine a tensor is a small object: it does not see the memory of the heap
 * behind it, and would collect dropped tensors long after the heap is full. It does see array buffers. So now and then,
 * when many bytes were handed out and not given back, a large one is made and dropped; nobody writes to it, so the system
 * never gives it memory.
 *
 * How many are many: several times what a program holds anyway, since a collection walks over all that lives; within
 * limits, so that a small network stays small and a large one does not fill the memory twice.
 */
const FEWEST = 2 ** 25;
const MOST = 2 ** 27;
const TIMES_HELD = 4;
/** Large enough for the engine to collect everything rather than what is new. */
const BUFFER = 2 ** 27;

export class CollectorPressure {
  /** Handed out and not given back, since the last buffer. */
  #unseen = 0;
  #out = 0;
  /** The least that was out since the last buffer: what is left when all that was dropped has come back. */
  #held = 0;

  /** Bytes were handed out that come back when their owner is collected. */
  add(bytes: number): void {
    this.#unseen += bytes;
    this.#out += bytes;
    if (this.#unseen < Math.min(Math.max(TIMES_HELD * this.#held, FEWEST), MOST)) return;
    this.#unseen = 0;
    this.#held = this.#out;
    try {
      makeBuffer(BUFFER);
    } catch {
      // Without room for it the engine has collected already.
    }
  }

  /** Bytes came back. */
  remove(bytes: number): void {
    this.#unseen = Math.max(0, this.#unseen - bytes);
    this.#out -= bytes;
    this.#held = Math.min(this.#held, this.#out);
  }
}

const makeBuffer = (bytes: number): number => new ArrayBuffer(bytes).byteLength;
