/** Buffers of programs that passes make, beside those of the recorder. */
import type { ProgramBuffer } from './program.js';

export class NewBuffers {
  #last = 0;

  /** A buffer like `model`, computed by a step. Its id is below zero: a recorder counts from zero. */
  like({ dtype, length }: Pick<ProgramBuffer, 'dtype' | 'length'>): ProgramBuffer {
    return { id: --this.#last, origin: 'computed', dtype, length };
  }
}
