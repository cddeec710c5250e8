/** Number encodings byte by byte, and the loops and branches of functions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../src/kernels/wasm/assembler/bytes.js';
import { f32, f32x4, f64, type I32, i32 } from '../../../src/kernels/wasm/assembler/instructions.js';
import { type FunctionBuilder, type Local, ModuleBuilder } from '../../../src/kernels/wasm/assembler/module.js';
import { at, Machine } from './machine.js';

const bytesOf = (write: (out: ByteWriter) => void): number[] => {
  const out = new ByteWriter();
  write(out);
  return [...out.finish()];
};

/** Little-endian base 128, the other way round. */
function decode(bytes: readonly number[], signed: boolean): number {
  let value = 0n;
  bytes.forEach((byte, index) => {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
  });
  const bits = 7 * bytes.length;
  return Number(signed ? BigInt.asIntN(bits, value) : value);
}

describe('ByteWriter', () => {
  it('writes unsigned LEB128 as the specification', () => {
    const known: readonly (readonly [number, readonly number[]])[] = [
      [0, [0x00]],
      [127, [0x7f]],
      [128, [0x80, 0x01]],
      [624485, [0xe5, 0x8e, 0x26]],
      [4294967295, [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ];
    for (const [value, bytes] of known) expect(bytesOf((out) => out.unsigned(value))).toEqual(bytes);
  });

  it('writes signed LEB128 as the specification', () => {
    const known: readonly (readonly [number, readonly number[]])[] = [
      [0, [0x00]],
      [-1, [0x7f]],
      [63, [0x3f]],
      [64, [0xc0, 0x00]],
      [-64, [0x40]],
      [-65, [0xbf, 0x7f]],
      [-123456, [0xc0, 0xbb, 0x78]],
      [2147483647, [0xff, 0xff, 0xff, 0xff, 0x07]],
      [-2147483648, [0x80, 0x80, 0x80, 0x80, 0x78]],
    ];
    for (const [value, bytes] of known) expect(bytesOf((out) => out.signed(value))).toEqual(bytes);
  });

  it('writes numbers that decode to themselves, in as few bytes as there can be', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const signed = bytesOf((out) => out.signed(value));
        expect(decode(signed, true)).toBe(value);
        expect(signed.length).toBe(Math.max(1, Math.ceil((33 - Math.clz32(value < 0 ? ~value : value)) / 7)));
        const unsigned = bytesOf((out) => out.unsigned(value));
        expect(decode(unsigned, false)).toBe(value >>> 0);
        expect(unsigned.length).toBe(Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7)));
      }),
    );
  });

  it('grows, and puts lengths before what it encloses', () => {
    const long = Array.from({ length: 1000 }, (_, index) => index & 255);
    const bytes = bytesOf((out) =>
      out.sized((inner) => {
        for (const each of long) inner.byte(each);
        inner.float32(1);
        inner.float64(-2);
      }),
    );
    expect(bytes.slice(0, 2)).toEqual([0xf4, 0x07]);
    expect(bytes.slice(2, 1002)).toEqual(long);
    expect(bytes.slice(1002)).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0]);
    expect(bytesOf((out) => out.text('aé'))).toEqual([3, 0x61, 0xc3, 0xa9]);
  });
});

describe('FunctionBuilder', () => {
  const count = (build: (code: FunctionBuilder, hits: Local<'i32'>) => void): number => {
    const machine = new Machine((code) => {
      const hits = code.local('i32');
      build(code, hits);
      code.do(i32.store(at(0), hits));
    });
    machine.run();
    return machine.integers(0)[0];
  };
  const number = (value: number): I32 => i32.const(value);

  it('loops as often as told, zero times included', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -3, max: 9 }),
        fc.integer({ min: -3, max: 20 }),
        fc.integer({ min: 1, max: 4 }),
        (start, end, step) => {
          const times = Math.max(Math.ceil((end - start) / step), 0);
          const counted = count((code, hits) => {
            const counter = code.local('i32', number(start));
            code.countTo(counter, number(end), step, () => code.increase(hits, 1));
          });
          expect(counted).toBe(times);
          const repeated = count((code, hits) => code.repeat(end, () => code.increase(hits, 1), step));
          expect(repeated).toBe(Math.max(Math.ceil(end / step), 0));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('nests loops and branches', () => {
    const hits = count((code, hits) =>
      code.repeat(5, (outer) =>
        code.repeat(4, (inner) =>
          code.if(
            i32.eq(outer, inner),
            () => code.increase(hits, 100),
            () => code.increase(hits, i32.const(1)),
          ),
        ),
      ),
    );
    expect(hits).toBe(4 * 100 + 16);
  });

  it('runs the body of doWhile at least once', () => {
    expect(
      count((code, hits) =>
        code.doWhile(
          () => code.increase(hits, 1),
          () => number(0),
        ),
      ),
    ).toBe(1);
  });

  it('makes constants before anything else, once for each key', () => {
    const machine = new Machine((code) => {
      code.repeat(3, () => code.do(f32.store(at(0), f32.add(f32.load(at(0)), code.constant('one', f32.const(1))))));
      expect(code.constant('one', f32.const(1)).index).toBe(code.constant('one', f32.const(1)).index);
    });
    machine.run();
    expect(machine.floats(0)[0]).toBe(3);
  });

  it('calls functions of the module with parameters of every type', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const module = new ModuleBuilder({ initialPages: 1, maximumPages: 1, shared: false });
    const inner = module.function('inner', { to: 'i32', a: 'f32', b: 'f64', c: 'v128' }, (code, { to, a, b, c }) => {
      code.do(f32.store(to, f32.add(f32.add(a, f32.demote(b)), f32x4.extractLane(c, 1))));
    });
    module.function('outer', { to: 'i32', a: 'f32' }, (code, { to, a }) => {
      code.call(inner, to, a, f64.const(0.25), f32x4.splat(f32.const(8)));
    });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
    (instance.exports.outer as (to: number, a: number) => void)(20, 0.5);
    expect(new Float32Array(memory.buffer)[5]).toBe(8.75);
  });

  it('makes modules for shared memory too', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
    const module = new ModuleBuilder({ initialPages: 1, maximumPages: 4, shared: true });
    module.function('run', {}, (code) => code.do(i32.store(at(4), number(-7))));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
    (instance.exports.run as () => void)();
    expect(new Int32Array(memory.buffer)[1]).toBe(-7);
  });
});
