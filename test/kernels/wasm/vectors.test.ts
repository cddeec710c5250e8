/** What kernels are written with: rounding and multiply-add in every mode, and what a loop forgets. */
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { f32x4, v128 } from '../../../src/kernels/wasm/assembler/instructions.js';
import { PORTABLE } from '../../../src/kernels/wasm/assembler/module.js';
import { multiplyAdd, roundEven, splat, subtractProduct } from '../../../src/kernels/wasm/kernels/vectors.js';
import { at, Machine, quads, RESULT } from './machine.js';

// Node 20 has the relaxed instructions behind a flag.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');

const WIDE = { relaxed: false, wide: true };

describe('roundEven', () => {
  const machine = new Machine((code) => {
    code.do(v128.store(at(RESULT), roundEven(code, v128.load(at(0)))));
    code.do(v128.store(at(RESULT), f32x4.nearest(v128.load(at(0))), 16));
  }, WIDE);

  it('gives the bits of nearest also where it is made of other instructions', () => {
    const near = fc.integer({ min: -64, max: 64 }).map((quarters) => quarters / 4);
    const large = fc
      .integer({ min: -40, max: 40 })
      .chain((step) => fc.constantFrom(2 ** 22, 2 ** 23, -(2 ** 23)).map((x) => x + step / 2));
    const lane = fc.oneof(near, large).map(Math.fround);
    fc.assert(
      fc.property(fc.oneof(quads, fc.tuple(lane, lane, lane, lane)), (values) => {
        machine.floats(0).set(values);
        machine.run();
        expect([...machine.floats(RESULT)], `${values}`).toEqual([...machine.floats(RESULT + 16)]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('multiplyAdd and subtractProduct', () => {
  const run = (relaxed: boolean, values: readonly number[]): number[] => {
    const machine = new Machine(
      (code) => {
        const [a, b, c] = [0, 16, 32].map((address) => v128.load(at(address)));
        code.do(v128.store(at(RESULT), multiplyAdd(code, a, b, c)));
        code.do(v128.store(at(RESULT), subtractProduct(code, c, a, b), 16));
      },
      { ...PORTABLE, relaxed },
    );
    for (const [index, value] of values.entries()) machine.floats(16 * index).fill(value);
    machine.run();
    return [machine.floats(RESULT)[0], machine.floats(RESULT + 16)[0]];
  };
  // (1 + e)(1 - e) = 1 - e^2, which float32 rounds to 1.
  const e = 2 ** -13;
  const values = [1 + e, 1 - e, -1];

  it('round twice in portable mode', () => {
    expect(run(false, values)).toEqual([0, -2]);
    expect(run(false, [3, 4, 5])).toEqual([17, -7]);
  });

  it('round once or twice in fast mode', () => {
    const [sum, difference] = run(true, values);
    expect([0, -(e ** 2)]).toContain(sum);
    expect([-2, Math.fround(-2 + e ** 2)]).toContain(difference);
    expect(run(true, [3, 4, 5])).toEqual([17, -7]);
  });
});

describe('temporaries', () => {
  /** Counts to three in a vector that is made in the loop; what it holds after the loop. */
  const left = (wide: boolean): number => {
    const machine = new Machine(
      (code) => {
        const sum = code.local('v128');
        let made = sum;
        code.repeat(3, () =>
          code.temporaries(() => {
            made = code.local('v128', f32x4.add(sum, splat(code, 1)));
            code.set(sum, made);
          }),
        );
        code.do(v128.store(at(RESULT), sum), v128.store(at(RESULT), made, 16));
      },
      { ...PORTABLE, wide },
    );
    machine.run();
    expect(machine.floats(RESULT)[0], 'what was there before stays').toBe(3);
    return machine.floats(RESULT + 16)[0];
  };

  it('are gone after each turn where vectors are joined', () => {
    expect(left(true)).toBe(0);
    expect(left(false)).toBe(3);
  });
});
