/** Every scalar instruction of the assembler against what JavaScript computes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { f32, f64, i32, select, v128 } from '../../../src/kernels/wasm/assembler/instructions.js';
import { at, floats, Machine, nearest, RESULT, toInteger } from './machine.js';

describe('scalar instructions', () => {
  it('compute with i32', () => {
    type Operation = (a: number, b: number) => number;
    const operations = {
      add: (a, b) => (a + b) | 0,
      sub: (a, b) => (a - b) | 0,
      mul: Math.imul,
      and: (a, b) => a & b,
      or: (a, b) => a | b,
      xor: (a, b) => a ^ b,
      shl: (a, b) => a << b,
      shrS: (a, b) => a >> b,
      shrU: (a, b) => (a >>> b) | 0,
      eq: (a, b) => Number(a === b),
      ne: (a, b) => Number(a !== b),
      ltS: (a, b) => Number(a < b),
      ltU: (a, b) => Number(a >>> 0 < b >>> 0),
      gtS: (a, b) => Number(a > b),
      gtU: (a, b) => Number(a >>> 0 > b >>> 0),
      leS: (a, b) => Number(a <= b),
      leU: (a, b) => Number(a >>> 0 <= b >>> 0),
      geS: (a, b) => Number(a >= b),
      geU: (a, b) => Number(a >>> 0 >= b >>> 0),
      // Division by zero and of the lowest number by -1 end the program, so the divisor is made harmless.
      divS: (a, b) => Math.trunc(a / ((b & 255) + 1)) | 0,
      divU: (a, b) => ((a >>> 0) / ((b & 255) + 1)) | 0,
      remS: (a, b) => (a % ((b & 255) + 1)) | 0,
      remU: (a, b) => ((a >>> 0) % ((b & 255) + 1)) | 0,
    } satisfies Partial<Record<keyof typeof i32, Operation>>;
    const names = Object.keys(operations) as (keyof typeof operations)[];
    const machine = new Machine((code) => {
      const [a, b] = [i32.load(at(0)), i32.load(at(16))];
      names.forEach((name, index) => {
        const divides = name.startsWith('div') || name.startsWith('rem');
        const right = divides ? i32.add(i32.and(b, i32.const(255)), i32.const(1)) : b;
        code.do(i32.store(at(RESULT), i32[name](a, right), 4 * index));
      });
      code.do(i32.store(at(RESULT), i32.eqz(a), 4 * names.length));
    });
    fc.assert(
      fc.property(fc.integer(), fc.oneof(fc.integer(), fc.nat({ max: 3 })), (a, b) => {
        machine.integers(0)[0] = a;
        machine.integers(16)[0] = b;
        machine.run();
        const results = machine.integers(RESULT, names.length + 1);
        names.forEach((name, index) => {
          expect(results[index] + 0, `${name}(${a}, ${b})`).toBe(operations[name](a, b) + 0);
        });
        expect(results[names.length]).toBe(Number(a === 0));
      }),
    );
  });

  it('compute with f32, its comparisons and conversions', () => {
    const binary = {
      add: (a: number, b: number) => Math.fround(a + b),
      sub: (a: number, b: number) => Math.fround(a - b),
      mul: (a: number, b: number) => Math.fround(a * b),
      div: (a: number, b: number) => Math.fround(a / b),
      min: Math.min,
      max: Math.max,
      copysign: (a: number, b: number) => (b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)),
    };
    const unary = {
      abs: Math.abs,
      neg: (a: number) => -a,
      ceil: Math.ceil,
      floor: Math.floor,
      trunc: Math.trunc,
      nearest,
      sqrt: (a: number) => Math.fround(Math.sqrt(a)),
    };
    const compare = {
      eq: (a: number, b: number) => a === b,
      ne: (a: number, b: number) => a !== b,
      lt: (a: number, b: number) => a < b,
      gt: (a: number, b: number) => a > b,
      le: (a: number, b: number) => a <= b,
      ge: (a: number, b: number) => a >= b,
    };
    const names = [Object.keys(binary), Object.keys(unary), Object.keys(compare)] as [
      (keyof typeof binary)[],
      (keyof typeof unary)[],
      (keyof typeof compare)[],
    ];
    const machine = new Machine((code) => {
      const [a, b] = [f32.load(at(0)), f32.load(at(16))];
      names[0].forEach((name, index) => {
        code.do(f32.store(at(64), f32[name](a, b), 4 * index));
      });
      names[1].forEach((name, index) => {
        code.do(f32.store(at(128), f32[name](a), 4 * index));
      });
      names[2].forEach((name, index) => {
        code.do(i32.store(at(192), f32[name](a, b), 4 * index));
      });
      code.do(i32.store(at(256), i32.truncSatF32S(a)), i32.store(at(260), i32.reinterpretF32(a)));
      code.do(f32.store(at(264), f32.convertI32S(i32.load(at(32)))));
      code.do(f32.store(at(268), f32.reinterpretI32(i32.load(at(0)))));
    });
    fc.assert(
      fc.property(floats, floats, fc.integer(), (a, b, integer) => {
        fc.pre(!Number.isNaN(b));
        machine.floats(0)[0] = a;
        machine.floats(16)[0] = b;
        machine.integers(32)[0] = integer;
        machine.run();
        names[0].forEach((name, index) => {
          expect(machine.floats(64, 8)[index], `${name}(${a}, ${b})`).toBe(binary[name](a, b));
        });
        names[1].forEach((name, index) => {
          expect(machine.floats(128, 8)[index], `${name}(${a})`).toBe(unary[name](a));
        });
        names[2].forEach((name, index) => {
          expect(machine.integers(192, 8)[index], `${name}(${a}, ${b})`).toBe(Number(compare[name](a, b)));
        });
        expect(machine.integers(256)[0] + 0).toBe(toInteger(a) + 0);
        expect(machine.integers(256)[1]).toBe(machine.integers(0)[0]);
        expect(machine.floats(264)[0]).toBe(Math.fround(integer));
        expect(machine.floats(268, 1)[0]).toBe(a);
      }),
    );
  });

  it('compute with f64', () => {
    const operations = {
      add: (a: number, b: number) => a + b,
      sub: (a: number, b: number) => a - b,
      mul: (a: number, b: number) => a * b,
      div: (a: number, b: number) => a / b,
      min: Math.min,
      max: Math.max,
    };
    const names = Object.keys(operations) as (keyof typeof operations)[];
    const machine = new Machine((code) => {
      const [a, b] = [f64.load(at(0)), f64.load(at(16))];
      names.forEach((name, index) => {
        code.do(f64.store(at(RESULT), f64[name](a, b), 8 * index));
      });
      code.do(f64.store(at(128), f64.sqrt(a)), f64.store(at(136), f64.promote(f32.demote(a))));
      code.do(f64.store(at(144), f64.convertI32S(i32.load(at(32)))), f64.store(at(152), f64.const(Math.PI)));
    });
    fc.assert(
      fc.property(fc.double(), fc.double(), fc.integer(), (a, b, integer) => {
        const values = new Float64Array(machine.memory.buffer, 0, 32);
        values.set([a, 0, b]);
        machine.integers(32)[0] = integer;
        machine.run();
        names.forEach((name, index) => {
          expect(values[8 + index], `${name}(${a}, ${b})`).toBe(operations[name](a, b));
        });
        expect([...values.subarray(16, 20)]).toEqual([Math.sqrt(a), Math.fround(a), integer, Math.PI]);
      }),
    );
  });

  it('load and store bytes, and choose', () => {
    const machine = new Machine((code) => {
      code.do(i32.store(at(64), i32.load8S(at(0), 1)), i32.store(at(68), i32.load8U(at(0), 1)));
      code.do(i32.store8(at(72), i32.load(at(0))));
      const condition = i32.load(at(32));
      code.do(i32.store(at(76), select(i32.const(5), i32.const(-5), condition)));
      code.do(f32.store(at(80), select(f32.const(0.5), f32.const(-0.5), condition)));
      code.do(v128.store(at(96), select(v128.load(at(0)), v128.load(at(16)), condition)));
    });
    machine.integers(0).set([0x1234f678, 1, 2, 3]);
    machine.integers(16).fill(9);
    for (const condition of [1, 0]) {
      machine.integers(32)[0] = condition;
      machine.run();
      expect([...machine.integers(64, 3)]).toEqual([-10, 0xf6, 0x78]);
      expect(machine.integers(76, 1)[0]).toBe(condition ? 5 : -5);
      expect(machine.floats(80, 1)[0]).toBe(condition ? 0.5 : -0.5);
      expect([...machine.integers(96)]).toEqual(condition ? [0x1234f678, 1, 2, 3] : [9, 9, 9, 9]);
    }
  });
});
