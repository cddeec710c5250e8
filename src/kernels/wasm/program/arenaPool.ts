/**
 * The arenas of all programs of a backend. A run borrows one from its forward to its backward part. Programs that do not
 * run at the same time, such as those for training and for a short last batch, so use the same memory.
 *
 * A forward part whose backward part never comes would hold its arena until it is collected, and JavaScript collects
 * only when the event loop turns. So when a program has several runs open, the oldest is spilled: what its backward part
 * would read is copied to an ordinary array, which the collector does see, and copied back if it is needed after all.
 */
import { type Block, type Heap, roomFor } from '../heap.js';
import type { Range } from './arena.js';

/** Runs of one program that keep an arena; models that are called more often per step pay a copy. */
const OPEN_RUNS = 2;
/** Arenas that are kept while nobody uses them. */
const IDLE_ARENAS = 2;
/**
 * Room behind an arena, as a share of it: the quantized model needs a little more than the float model whose arena it
 * takes over. Until somebody writes there the system gives it no memory.
 */
const HEADROOM = 1 / 6;
/** Smaller arenas, in bytes, are not worth it. */
const HEADROOM_FROM = 2 ** 22;

const withHeadroom = (bytes: number): number => (bytes < HEADROOM_FROM ? bytes : Math.ceil(bytes * (1 + HEADROOM)));

/** The memory of one run. Must not hold the run itself, whose end is noticed by its collection. */
export class RunMemory {
  readonly program: object;
  readonly kept: readonly Range[];
  /** Null while it is spilled or given back. */
  block: Block | null = null;
  saved: Uint8Array | null = null;
  /** Whether no backward part may follow. */
  ended = false;

  /** @param program Whose run it is. @param kept What is copied when it is spilled. */
  constructor(program: object, kept: readonly Range[]) {
    this.program = program;
    this.kept = kept;
  }
}

export class ArenaPool {
  readonly #heap: Heap;
  #idle: Block[] = [];
  /** Oldest first. */
  readonly #open = new Set<RunMemory>();
  readonly #abandoned = new FinalizationRegistry<RunMemory>((memory) => this.end(memory));
  /** Bytes that each program needs which is not collected yet. */
  #needs: number[] = [];
  readonly #collected = new FinalizationRegistry<number>((bytes) => {
    this.#needs.splice(this.#needs.indexOf(bytes), 1);
    this.#releaseUnneeded();
  });

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Releases arenas that are larger than any other program needs when this one is collected. */
  watch(program: object, bytes: number): void {
    this.#needs.push(bytes);
    this.#collected.register(program, bytes);
  }

  /** Gives the memory back when `run` is collected. */
  watchRun(run: object, memory: RunMemory): void {
    this.#abandoned.register(run, memory, memory);
  }

  /**
   * Lets `memory` have an arena of at least `bytes`, with what was spilled.
   * @throws BackendError `HEAP_FULL`
   */
  borrow(memory: RunMemory, bytes: number): void {
    if (memory.block && memory.block.bytes >= bytes) return;
    if (memory.block) this.spill(memory);
    const open = [...this.#open].filter(({ program }) => program === memory.program);
    if (open.length >= OPEN_RUNS) this.spill(open[0]);
    memory.block = this.#take(bytes);
    this.#open.add(memory);
    if (!memory.saved) return;
    this.#copy(memory, (whole, saved) => whole.set(saved));
    memory.saved = null;
  }

  /** Copies what the backward part reads. */
  save(memory: RunMemory): void {
    memory.saved = new Uint8Array(memory.kept.reduce((sum, { bytes }) => sum + bytes, 0));
    this.#copy(memory, (whole, saved) => saved.set(whole));
  }

  /** Copies what the backward part reads, and takes the arena. */
  spill(memory: RunMemory): void {
    this.save(memory);
    this.giveBack(memory);
  }

  /** Ends the run: takes the arena and forgets what was copied. */
  end(memory: RunMemory): void {
    memory.ended = true;
    memory.saved = null;
    this.giveBack(memory);
  }

  /** Takes the arena, if there is one. */
  giveBack(memory: RunMemory): void {
    this.#abandoned.unregister(memory);
    this.#open.delete(memory);
    const { block } = memory;
    memory.block = null;
    if (!block) return;
    this.#idle.push(block);
    this.#releaseUnneeded();
    if (this.#idle.length <= IDLE_ARENAS) return;
    this.#idle.sort((a, b) => b.bytes - a.bytes);
    this.#heap.release(this.#idle.pop() as Block);
  }

  /** Releases the arenas that nobody uses. */
  releaseIdle(): void {
    for (const block of this.#idle) this.#heap.release(block);
    this.#idle = [];
  }

  /** Releases the idle arenas that are too large for all programs there are. */
  #releaseUnneeded(): void {
    const largest = Math.max(0, ...this.#needs.map((bytes) => roomFor(withHeadroom(bytes))));
    for (const block of this.#idle) if (block.bytes > largest) this.#heap.release(block);
    this.#idle = this.#idle.filter(({ bytes }) => bytes <= largest);
  }

  #take(bytes: number): Block {
    const fitting = this.#idle.filter((block) => block.bytes >= bytes).sort((a, b) => a.bytes - b.bytes)[0];
    if (fitting) {
      this.#idle.splice(this.#idle.indexOf(fitting), 1);
      return fitting;
    }
    // Those that are there are too small for this program; the new one will serve theirs as well.
    this.releaseIdle();
    const block = this.#withHeadroom(bytes) ?? this.#heap.allocate(bytes);
    if (block) return block;
    for (const memory of this.#open) this.spill(memory);
    this.releaseIdle();
    const second = this.#heap.allocate(bytes);
    if (!second) throw this.#heap.full(bytes);
    return second;
  }

  /** An arena with room behind it; null where that is not worth it, or others may need the room. */
  #withHeadroom(bytes: number): Block | null {
    const wanted = withHeadroom(bytes);
    const { used, limit } = this.#heap;
    return wanted > bytes && used + wanted <= limit / 2 ? this.#heap.allocate(wanted) : null;
  }

  /** Calls `copy` for each kept range of the arena and its part of the saved bytes. */
  #copy({ block, kept, saved }: RunMemory, copy: (whole: Uint8Array, saved: Uint8Array) => void): void {
    if (!block || !saved) return;
    let position = 0;
    for (const { offset, bytes } of kept) {
      copy(
        new Uint8Array(this.#heap.memory.buffer, block.address + offset, bytes),
        saved.subarray(position, position + bytes),
      );
      position += bytes;
    }
  }
}
