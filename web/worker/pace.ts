/** How often things are said, and how fast training is. */

/** Says yes at most once in an interval. */
export class Throttle {
  readonly #interval: number;
  #last = -Infinity;

  /** @param interval In milliseconds. */
  constructor(interval: number) {
    this.#interval = interval;
  }

  due(now = performance.now()): boolean {
    if (now - this.#last < this.#interval) return false;
    this.#last = now;
    return true;
  }
}

/** Steps of about the last second count. */
const WINDOW = 1000;

export class SpeedMeter {
  #ends: number[] = [];

  /** Begins anew, after a pause. */
  start(now = performance.now()): void {
    this.#ends = [now];
  }

  step(now = performance.now()): void {
    this.#ends.push(now);
    while (this.#ends.length > 2 && now - this.#ends[0] > WINDOW) this.#ends.shift();
  }

  /** Null before the first step. */
  get stepsPerSecond(): number | null {
    const time = (this.#ends.at(-1) ?? 0) - (this.#ends[0] ?? 0);
    return time > 0 ? ((this.#ends.length - 1) / time) * 1000 : null;
  }
}
