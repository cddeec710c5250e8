/** Values of known distributions, the same as make_statistics.py draws. */

/** A linear congruential generator; its values are the same in every language. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }
}

const bell = (random: Random): number => random.next() + random.next() + random.next() + random.next() - 2;

const KINDS: Readonly<Record<string, (random: Random) => number>> = {
  bell,
  tails: (random) => bell(random) ** 5,
  positive: (random) => Math.max(bell(random), 0) * 3,
  uniform: (random) => random.next() * 2 - 0.5,
  negative: (random) => -1 - random.next() ** 3,
  constant: () => 0.75,
  zero: () => 0,
  outlier: (random) => (random.next() > 0.999 ? 50 : bell(random)),
  tiny: (random) => bell(random) * 1e-20,
  two: (random) => (random.next() < 0.3 ? -1 : 2),
};

/** Samples of values of a kind, each wider than the one before. */
export function samplesOf(kind: string, samples: number, count: number): Float32Array[] {
  const random = new Random(Object.keys(KINDS).indexOf(kind) + 1);
  return Array.from({ length: samples }, (_, sample) =>
    Float32Array.from({ length: count }, () => KINDS[kind](random) * (1 + sample / 2)),
  );
}
