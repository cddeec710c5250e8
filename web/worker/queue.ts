/** Lets one thing happen at a time, in the order in which they were asked for. */
export class Queue {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `body` when everything before it is done. */
  run<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(body);
    this.#tail = result.catch(() => {});
    return result;
  }
}
