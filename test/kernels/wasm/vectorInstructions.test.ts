/** Every vector instruction of the assembler against what JavaScript computes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  extendLow,
  f32x4,
  f64x2,
  i32,
  i32x4,
  type V128,
  v128,
} from '../../../src/kernels/wasm/assembler/instructions.js';
import { at, firstUnless, integerQuads, Machine, nearest, quads, RESULT, toInteger } from './machine.js';

describe('vector instructions', () => {
  /** Checks named instructions of two operands, lane by lane. */
  function checkLanes<N extends string>(
    group: Readonly<Record<NoInfer<N>, (a: V128, b: V128) => V128>>,
    operations: Readonly<Record<N, (a: number, b: number) => number>>,
    kind: 'floats' | 'integers',
    result: 'floats' | 'integers' = kind,
  ): void {
    const names = Object.keys(operations) as N[];
    const machine = new Machine((code) => {
      const [a, b] = [v128.load(at(0)), v128.load(at(16))];
      names.forEach((name, index) => {
        code.do(v128.store(at(RESULT), group[name](a, b), 16 * index));
      });
    });
    const values: fc.Arbitrary<[number, number, number, number]> = kind === 'floats' ? quads : integerQuads;
    fc.assert(
      fc.property(values, values, (a, b) => {
        machine[kind](0).set(a);
        machine[kind](16).set(b);
        machine.run();
        names.forEach((name, index) => {
          const actual = [...machine[result](RESULT + 16 * index)];
          expect(actual, `${name}([${a}], [${b}])`).toEqual(a.map((value, lane) => operations[name](value, b[lane])));
        });
      }),
    );
  }

  it('compute with f32x4', () => {
    checkLanes(
      f32x4,
      {
        add: (a, b) => Math.fround(a + b),
        sub: (a, b) => Math.fround(a - b),
        mul: (a, b) => Math.fround(a * b),
        div: (a, b) => Math.fround(a / b),
        min: Math.min,
        max: Math.max,
        pmin: (a, b) => firstUnless(b < a, a, b),
        pmax: (a, b) => firstUnless(a < b, a, b),
      },
      'floats',
    );
    const one = (operation: (a: V128) => V128) => (a: V128) => operation(a);
    checkLanes(
      {
        ceil: one(f32x4.ceil),
        floor: one(f32x4.floor),
        trunc: one(f32x4.trunc),
        nearest: one(f32x4.nearest),
        abs: one(f32x4.abs),
        neg: one(f32x4.neg),
        sqrt: one(f32x4.sqrt),
      },
      {
        ceil: Math.ceil,
        floor: Math.floor,
        trunc: Math.trunc,
        nearest,
        abs: Math.abs,
        neg: (a) => -a,
        sqrt: (a) => Math.fround(Math.sqrt(a)),
      },
      'floats',
    );
  });

  it('compare f32x4 into masks, and convert', () => {
    const mask = (holds: boolean): number => (holds ? -1 : 0);
    checkLanes(
      { ...f32x4, truncate: (a: V128) => i32x4.truncSatF32x4S(a) },
      {
        eq: (a, b) => mask(a === b),
        ne: (a, b) => mask(a !== b),
        lt: (a, b) => mask(a < b),
        gt: (a, b) => mask(a > b),
        le: (a, b) => mask(a <= b),
        ge: (a, b) => mask(a >= b),
        truncate: (a) => toInteger(a) + 0,
      },
      'floats',
      'integers',
    );
    const convert = { convert: (a: V128) => f32x4.convertI32x4S(a) };
    checkLanes(convert, { convert: (a) => Math.fround(a) }, 'integers', 'floats');
  });

  it('compute with i32x4 and with bits', () => {
    checkLanes(
      {
        ...i32x4,
        ...v128,
        complement: (a: V128) => v128.not(a),
        left: (a: V128) => i32x4.shl(a, i32.const(5)),
        right: (a: V128) => i32x4.shrS(a, i32.const(5)),
        unsigned: (a: V128) => i32x4.shrU(a, i32.const(5)),
        blend: (a: V128, b: V128) => v128.bitselect(a, b, i32x4.splat(i32.const(0x0ff0))),
      },
      {
        add: (a, b) => (a + b) | 0,
        sub: (a, b) => (a - b) | 0,
        mul: Math.imul,
        minS: Math.min,
        maxS: Math.max,
        eq: (a, b) => (a === b ? -1 : 0),
        gtS: (a, b) => (a > b ? -1 : 0),
        dotI16x8S: (a, b) => (Math.imul((a << 16) >> 16, (b << 16) >> 16) + Math.imul(a >> 16, b >> 16)) | 0,
        and: (a, b) => a & b,
        andnot: (a, b) => a & ~b,
        or: (a, b) => a | b,
        xor: (a, b) => a ^ b,
        complement: (a) => ~a,
        left: (a) => a << 5,
        right: (a) => a >> 5,
        unsigned: (a) => (a >>> 5) | 0,
        blend: (a, b) => (a & 0x0ff0) | (b & ~0x0ff0),
      },
      'integers',
    );
  });

  it('compute with f64x2, and go to and from it', () => {
    const operations = {
      add: (a: number, b: number) => a + b,
      sub: (a: number, b: number) => a - b,
      mul: (a: number, b: number) => a * b,
      div: (a: number, b: number) => a / b,
    };
    const names = Object.keys(operations) as (keyof typeof operations)[];
    const machine = new Machine((code) => {
      const [a, b] = [v128.load(at(0)), v128.load(at(16))];
      names.forEach((name, index) => {
        code.do(v128.store(at(64), f64x2[name](a, b), 16 * index));
      });
      code.do(v128.store(at(128), f64x2.sqrt(a)), v128.store(at(144), f64x2.splat(f64x2.extractLane(b, 1))));
      code.do(v128.store(at(160), f32x4.demoteF64x2Zero(a)));
      code.do(v128.store(at(176), f64x2.promoteLowF32x4(f32x4.demoteF64x2Zero(b))));
    });
    const pair = fc.tuple(fc.double(), fc.double());
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const doubles = (address: number) => new Float64Array(machine.memory.buffer, address, 2);
        doubles(0).set(a);
        doubles(16).set(b);
        machine.run();
        names.forEach((name, index) => {
          expect([...doubles(64 + 16 * index)], name).toEqual(a.map((value, lane) => operations[name](value, b[lane])));
        });
        expect([...doubles(128)]).toEqual(a.map(Math.sqrt));
        expect([...doubles(144)]).toEqual([b[1], b[1]]);
        expect([...machine.floats(160)]).toEqual([...a.map(Math.fround), 0, 0]);
        expect([...doubles(176)]).toEqual(b.map(Math.fround));
      }),
    );
  });

  it('move lanes, widen, and load parts of vectors', () => {
    const order = [3, 2, 1, 0, 16, 17, 18, 19, 31, 30, 29, 28, 4, 5, 6, 7];
    const machine = new Machine((code) => {
      const [a, b] = [v128.load(at(0)), v128.load(at(16))];
      const results: V128[] = [
        v128.shuffle(a, b, order),
        v128.load8x8S(at(0)),
        v128.load8x8U(at(0)),
        extendLow.i8x16ToI16x8S(a),
        extendLow.i8x16ToI16x8U(a),
        extendLow.i16x8ToI32x4S(a),
        extendLow.i16x8ToI32x4U(a),
        v128.load32Splat(at(0), 4),
        v128.load32Zero(at(0), 4),
        v128.load64Zero(at(0), 8),
        f32x4.splat(f32x4.extractLane(a, 2)),
        i32x4.splat(i32x4.extractLane(b, 3)),
      ];
      results.forEach((result, index) => {
        code.do(v128.store(at(RESULT), result, 16 * index));
      });
      code.do(i32.store(at(512), v128.anyTrue(a)), i32.store(at(516), v128.anyTrue(v128.xor(a, a))));
    });
    const all = new Uint8Array(machine.memory.buffer);
    for (let index = 0; index < 32; index++) all[index] = (index * 37 + 130) & 255;
    machine.run();
    const bytes = [...all.slice(0, 32)];
    const [signed, half] = [new Int8Array(machine.memory.buffer, 0, 16), new Int16Array(machine.memory.buffer, 0, 8)];
    const words = machine.integers(0, 8);
    const shorts = (index: number) => [...new Int16Array(machine.memory.buffer, RESULT + 16 * index, 8)];
    const wide = (index: number) => [...machine.integers(RESULT + 16 * index)];
    expect([...all.slice(RESULT, RESULT + 16)]).toEqual(order.map((lane) => bytes[lane]));
    for (const index of [1, 3]) expect(shorts(index)).toEqual([...signed.slice(0, 8)]);
    for (const index of [2, 4]) expect(shorts(index)).toEqual(bytes.slice(0, 8));
    expect(wide(5)).toEqual([...half.slice(0, 4)]);
    expect(wide(6)).toEqual([...new Uint16Array(machine.memory.buffer, 0, 4)]);
    expect(wide(7)).toEqual(new Array(4).fill(words[1]));
    expect(wide(8)).toEqual([words[1], 0, 0, 0]);
    expect(wide(9)).toEqual([words[2], words[3], 0, 0]);
    expect(wide(10)).toEqual(new Array(4).fill(words[2]));
    expect(wide(11)).toEqual(new Array(4).fill(words[7]));
    expect([...machine.integers(512, 2)]).toEqual([1, 0]);
  });

  it('store pairs after both are computed, so that they may overlap what is read', () => {
    const machine = new Machine((code) => {
      code.do(v128.storePair(at(0), v128.load(at(16)), v128.load(at(0))));
      code.do(v128.storePair(at(64), v128.load(at(0)), v128.load(at(16)), 32));
    });
    machine.integers(0, 8).set([1, 2, 3, 4, 5, 6, 7, 8]);
    machine.run();
    expect([...machine.integers(0, 8)]).toEqual([5, 6, 7, 8, 1, 2, 3, 4]);
    expect([...machine.integers(96, 8)]).toEqual([5, 6, 7, 8, 1, 2, 3, 4]);
  });
});
