import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox } from '../../src/tensor/philox.js';

const word = fc.integer({ min: 0, max: 0xffffffff });

function draw(counter: readonly number[], key: readonly number[]): number[] {
  const output = new Uint32Array(4);
  philox(counter, key, output);
  return Array.from(output);
}

/** The definition in arbitrary-precision integers, without any of the word splitting. */
function philoxOfBigIntegers(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const product0 = 0xd2511f53n * c0;
    const product1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(product1 >> 32n) ^ c1 ^ k0, product1 & mask, (product0 >> 32n) ^ c3 ^ k1, product0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}

describe('philox', () => {
  // The known answers published with the paper's implementation (Random123, kat_vectors).
  it.each([
    {
      counter: [0, 0, 0, 0],
      key: [0, 0],
      words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])('gives the published answer for counter $counter', ({ counter, key, words }) => {
    expect(draw(counter, key)).toEqual(words);
  });

  it('equals its definition in arbitrary-precision integers', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect(draw(counter, key)).toEqual(philoxOfBigIntegers(counter, key));
      }),
      { numRuns: 500 },
    );
  });
});
