import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import { defaultGenerator, Generator, type GeneratorState, manualSeed } from '../../src/tensor/random.js';

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const draws = (generator: Generator, count: number): number[] =>
  Array.from({ length: count }, () => generator.uint32());
const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
/** Mean of the values' powers. */
const moment = (values: Float64Array, power: number): number => mean(values.map((value) => value ** power));

describe('the stream', () => {
  it('is the sequence of Philox blocks of the seed', () => {
    expect(draws(new Generator(0), 4)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const last = new Generator().setState({
      algorithm: 'philox4x32-10',
      key: [0xffffffff, 0xffffffff],
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      position: 0,
    });
    expect(draws(last, 4)).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    expect(last.state().counter).toEqual([0, 0, 0, 0]);
  });

  it('carries from word to word of the counter', () => {
    const generator = new Generator(7);
    generator.setState({ ...generator.state(), counter: [0xffffffff, 0xffffffff, 5, 0], position: 3 });
    generator.uint32();
    expect(generator.state()).toMatchObject({ counter: [0, 0, 6, 0], position: 0 });
  });

  it('depends on all 53 bits of the seed', () => {
    const first = [0, 1, 2 ** 31, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER].map((seed) =>
      new Generator(seed).uint32(),
    );
    expect(new Set(first).size).toBe(first.length);
  });

  it('has the same normal numbers everywhere', () => {
    // Equal to the quantiles by scipy 1.17.1 of the same words, up to the last digit; exact from here on.
    const generator = new Generator(0);
    expect(Array.from({ length: 8 }, () => generator.normal())).toEqual([
      0.6834150742785161, -0.7070019850780548, -1.0365160933250281, -0.9521035647476527, 0.43324839064111903,
      1.000013619866521, -1.8927651660438791, -0.5721587666901367,
    ]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])('rejects the seed %d', (seed) => {
    expect(() => new Generator(seed)).toThrow(ValidationError);
    expect(() => new Generator().fork(seed)).toThrow(ValidationError);
  });
});

describe('distributions', () => {
  const count = 200_000;

  it('uniform numbers have 24 bits, lie in [0, 1) and have the moments of the uniform distribution', () => {
    const generator = new Generator(1);
    const values = Float64Array.from({ length: count }, () => generator.uniform());
    expect(values.every((value) => value >= 0 && value < 1 && Math.fround(value) === value)).toBe(true);
    expect(Math.abs(moment(values, 1) - 1 / 2)).toBeLessThan(0.003);
    expect(Math.abs(moment(values, 2) - 1 / 3)).toBeLessThan(0.003);
  });

  it('double uniform numbers use more than 24 bits and lie in [0, 1)', () => {
    const generator = new Generator(2);
    const values = Float64Array.from({ length: count }, () => generator.uniformDouble());
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(values.filter((value) => Math.fround(value) !== value).length).toBeGreaterThan(0.9 * count);
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(0.003);
  });

  it('normal numbers have the moments and tails of the normal distribution', () => {
    const generator = new Generator(3);
    const values = Float64Array.from({ length: count }, () => generator.normal());
    // Five standard errors each: the variances of x, x^2, x^3 and x^4 are 1, 2, 15 and 96.
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      expect(Math.abs(moment(values, power) - expected)).toBeLessThan(5 * Math.sqrt(variance / count));
    }
    const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / count;
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(0.0025);
  });

  it('integers are equally likely', () => {
    const generator = new Generator(4);
    const counts = new Float64Array(7);
    for (let index = 0; index < 70_000; index++) counts[generator.integer(-3, 4) + 3]++;
    const chiSquared = counts.reduce((sum, observed) => sum + (observed - 10_000) ** 2 / 10_000, 0);
    // The 99.99% quantile for 6 degrees of freedom.
    expect(chiSquared).toBeLessThan(27.86);
  });

  it('integers of a range that does not divide 2**32 are not biased', () => {
    // Without drawing again, the lowest third of this range would come up twice as often as the others.
    const generator = new Generator(5);
    const range = 3 * 2 ** 30;
    const values = Float64Array.from({ length: 20_000 }, () => generator.integer(0, range));
    expect(Math.abs(mean(values) / range - 0.5)).toBeLessThan(0.012);
  });

  it('integers stay in their range, however large', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
        fc.integer({ min: 1, max: 2 ** 52 - 1 }),
        (seed, low, range) => {
          const value = new Generator(seed).integer(low, low + range);
          expect(Number.isSafeInteger(value) && value >= low && value < low + range).toBe(true);
        },
      ),
    );
  });

  it('rejects empty and broken integer ranges', () => {
    for (const [low, high] of [
      [0, 0],
      [3, 2],
      [0.5, 3],
      [0, Number.NaN],
      [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ]) {
      expect(() => new Generator().integer(low, high)).toThrow(ValidationError);
    }
  });

  it('bernoulli is true as often as asked, and always or never at the ends', () => {
    const generator = new Generator(6);
    const frequency = (probability: number): number =>
      mean(generator.fillBernoulli(new Uint8Array(50_000), probability));
    expect(Math.abs(frequency(0.3) - 0.3)).toBeLessThan(0.01);
    expect(frequency(0)).toBe(0);
    expect(frequency(1)).toBe(1);
    expect(() => generator.bernoulli(1.01)).toThrow(ValidationError);
    expect(() => generator.fillBernoulli(new Uint8Array(0), Number.NaN)).toThrow(ValidationError);
    const one = new Generator(9);
    const filled = new Generator(9).fillBernoulli(new Float32Array(20), 0.5);
    expect(Array.from(filled)).toEqual(Array.from({ length: 20 }, () => Number(one.bernoulli(0.5))));
  });

  it('permutations hold every index once, in every order', () => {
    fc.assert(
      fc.property(seeds, fc.nat(200), (seed, length) => {
        const sorted = new Generator(seed).permutation(length).sort();
        expect(Array.from(sorted)).toEqual(Array.from({ length }, (_, index) => index));
      }),
    );
    const generator = new Generator(8);
    const counts = new Map<string, number>();
    for (let index = 0; index < 6000; index++) {
      const order = generator.permutation(3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const observed of counts.values()) expect(Math.abs(observed - 1000)).toBeLessThan(150);
    expect(() => generator.permutation(-1)).toThrow(ValidationError);
    expect(() => generator.permutation(1.5)).toThrow(ValidationError);
  });
});

describe('filling arrays', () => {
  it('scales and shifts', () => {
    const uniform = new Generator(10).fillUniform(new Float32Array(10_000), -2, 6);
    expect(uniform.every((value) => value >= -2 && value < 6)).toBe(true);
    expect(Math.abs(mean(uniform) - 2)).toBeLessThan(0.15);
    const normal = new Generator(11).fillNormal(new Float64Array(10_000), 5, 0.5);
    expect(Math.abs(mean(normal) - 5)).toBeLessThan(0.03);
    expect(Math.abs(Math.sqrt(mean(normal.map((value) => (value - 5) ** 2))) - 0.5)).toBeLessThan(0.02);
  });

  it('gives what single draws give', () => {
    const generator = new Generator(12);
    expect(Array.from(new Generator(12).fillUniform(new Float32Array(9)))).toEqual(
      Array.from({ length: 9 }, () => generator.uniform()),
    );
    generator.seed(12);
    expect(Array.from(new Generator(12).fillNormal(new Float64Array(9), 1, 2))).toEqual(
      Array.from({ length: 9 }, () => 1 + 2 * generator.normal()),
    );
  });

  it('rejects ranges and deviations without sense', () => {
    const generator = new Generator();
    expect(() => generator.fillUniform(new Float32Array(1), 1, 0)).toThrow(ValidationError);
    expect(() => generator.fillUniform(new Float32Array(1), 0, Number.POSITIVE_INFINITY)).toThrow(ValidationError);
    expect(() => generator.fillNormal(new Float32Array(1), 0, -1)).toThrow(ValidationError);
    expect(() => generator.fillNormal(new Float32Array(1), Number.NaN, 1)).toThrow(ValidationError);
  });
});

describe('state', () => {
  it('continues exactly, through JSON, from any position', () => {
    fc.assert(
      fc.property(seeds, fc.nat(50), (seed, drawn) => {
        const generator = new Generator(seed);
        draws(generator, drawn);
        const state = JSON.parse(JSON.stringify(generator.state())) as GeneratorState;
        const restored = new Generator(1).setState(state);
        expect(restored.state()).toEqual(state);
        expect(draws(restored, 9)).toEqual(draws(generator, 9));
      }),
    );
  });

  it('is not changed by what the generator does later', () => {
    const generator = new Generator(1);
    const state = generator.state();
    const copy = structuredClone(state);
    draws(generator, 20);
    expect(state).toEqual(copy);
  });

  it.each([
    ['another algorithm', { algorithm: 'mt19937' }],
    ['a short key', { key: [1] }],
    ['a negative word', { key: [1, -1] }],
    ['a word that is too large', { counter: [0, 0, 0, 2 ** 32] }],
    ['a fraction', { counter: [0, 0.5, 0, 0] }],
    ['no counter', { counter: undefined }],
    ['a position outside of the block', { position: 4 }],
  ])('rejects %s and stays as it was', (_, change) => {
    const generator = new Generator(13);
    generator.uint32();
    const before = generator.state();
    expect(() => generator.setState({ ...before, ...change } as unknown as GeneratorState)).toThrow(
      expect.objectContaining({ name: 'ValidationError', code: 'BAD_GENERATOR_STATE' }),
    );
    expect(generator.state()).toEqual(before);
  });
});

describe('fork', () => {
  it('depends on seed and stream only', () => {
    const generator = new Generator(14);
    const early = draws(generator.fork(3), 8);
    draws(generator, 5);
    expect(draws(generator.fork(3), 8)).toEqual(early);
    expect(draws(new Generator(15).fork(3), 8)).not.toEqual(early);
  });

  it('gives streams that differ from each other, from their parent and from their own forks', () => {
    const parent = new Generator(16);
    const generators = [parent, parent.fork(0), parent.fork(1), parent.fork(2 ** 40), parent.fork(0).fork(0)];
    const words = new Set(generators.flatMap((generator) => draws(generator, 100)));
    expect(words.size).toBe(500);
  });

  it('does not move its parent', () => {
    const parent = new Generator(17);
    const before = parent.state();
    parent.fork(1).uint32();
    expect(parent.state()).toEqual(before);
  });
});

describe('the default generator', () => {
  it('restarts with manualSeed', () => {
    expect(manualSeed(18)).toBe(defaultGenerator());
    const first = draws(defaultGenerator(), 5);
    manualSeed(18);
    expect(draws(defaultGenerator(), 5)).toEqual(first);
    expect(first).toEqual(draws(new Generator(18), 5));
  });
});
