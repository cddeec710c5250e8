/** Lists of calls and their way to the workers: long ones, large modules, kernels that fail. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackendError } from '../../../../src/errors.js';
import { f32, type I32, i32 } from '../../../../src/kernels/wasm/assembler/instructions.js';
import { type FunctionBuilder, ModuleBuilder } from '../../../../src/kernels/wasm/assembler/module.js';
import type { KernelFunction } from '../../../../src/kernels/wasm/kernel.js';
import { FunctionTable } from '../../../../src/kernels/wasm/threads/functionTable.js';
import { sliceBegin } from '../../../../src/kernels/wasm/threads/layout.js';
import type { PhaseCall } from '../../../../src/kernels/wasm/threads/phaseCall.js';
import { ThreadedRunner } from '../../../../src/kernels/wasm/threads/runner.js';

const PAGES = 16;
const BASE = 1024;
const THREADS = 3;

/** One kernel of two arguments and its units, in a module with `copies` of it. */
class Fixture {
  readonly memory = new WebAssembly.Memory({ initial: 2, maximum: PAGES, shared: true });
  readonly table = new FunctionTable();
  readonly runner = new ThreadedRunner(this.memory, true, { minimumShared: 0 });
  readonly words = new Int32Array(this.memory.buffer);

  define(key: string, unit: (code: FunctionBuilder, a: I32, unit: I32) => void, copies = 1): KernelFunction {
    const builder = new ModuleBuilder({ initialPages: 1, maximumPages: PAGES, shared: true });
    const names = Array.from({ length: copies }, (_, copy) => `${key}${copy}`);
    for (const name of names) {
      builder.function(name, { a: 'i32', scalar: 'f32', begin: 'i32', end: 'i32' }, (code, { a, begin, end }) => {
        const counter = code.local('i32', begin);
        code.countTo(counter, end, 1, () => unit(code, a, counter));
      });
    }
    const bytes = builder.encode();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.memory } });
    const functions = names.map((name) => exports[name] as KernelFunction);
    this.table.register(names, functions, bytes);
    return functions[copies - 1];
  }

  call(kernelFunction: KernelFunction, units: number, cost = 1): PhaseCall {
    return { key: 'test', function: kernelFunction, entry: this.table.entry(kernelFunction), units, cost, scalars: 1 };
  }
}

let fixture: Fixture;
beforeEach(async () => {
  fixture = new Fixture();
  await fixture.runner.setThreads(THREADS);
});
afterEach(() => fixture.runner.dispose());

/** Adds one to a word for each unit. */
const increment = (code: FunctionBuilder, a: I32, unit: I32): void => {
  const address = code.local('i32', i32.add(a, i32.shl(unit, i32.const(2))));
  code.do(i32.store(address, i32.add(i32.load(address), i32.const(1))));
};

describe('slices', () => {
  it('cover all units once, for any numbers', () => {
    for (const units of [0, 1, 2, 3, 7, 64, 1000, 2 ** 31 - 1]) {
      for (const threads of [1, 2, 3, 16, 64]) {
        expect(sliceBegin(units, 0, threads)).toBe(0);
        expect(sliceBegin(units, threads, threads)).toBe(units);
        for (let thread = 0; thread < threads; thread++)
          expect(sliceBegin(units, thread, threads)).toBeLessThanOrEqual(sliceBegin(units, thread + 1, threads));
      }
    }
  });
});

describe('lists', () => {
  it('longer than the shared memory for them run in parts, in order', () => {
    const { runner, words } = fixture;
    const kernelFunction = fixture.define('increment', increment);
    const shared = fixture.call(kernelFunction, 50);
    const alone = fixture.call(kernelFunction, 50, -1);
    runner.begin();
    for (let times = 0; times < 30_000; times++) runner.add(times % 100 === 0 ? shared : alone, [BASE, 0, 0, 50]);
    runner.finish();
    expect([...words.subarray(BASE / 4, BASE / 4 + 51)]).toEqual([...new Array(50).fill(30_000), 0]);
  });

  it('keep a barrier between calls that depend on each other, alone or shared', () => {
    const { runner, words } = fixture;
    const units = 64;
    // Each unit adds the word of the unit at the other end, of the row before, to one: any haste shows.
    const step = fixture.define('step', (code, a, unit) => {
      const other = i32.add(a, i32.shl(i32.sub(i32.const(units - 1), unit), i32.const(2)));
      const own = i32.add(a, i32.shl(unit, i32.const(2)));
      code.do(i32.store(own, i32.add(i32.load(other), i32.const(1)), units * 4));
    });
    const shared = fixture.call(step, units);
    const alone = fixture.call(step, units, -1);
    const rows = 400;
    for (let times = 0; times < 20; times++) {
      words.fill(0);
      runner.begin();
      for (let row = 0; row < rows; row++)
        runner.add(row % 5 === 3 || row % 7 < 2 ? alone : shared, [BASE + row * units * 4, 0, 0, units]);
      runner.finish();
      const last = BASE / 4 + rows * units;
      expect([...words.subarray(last, last + units)]).toEqual(new Array(units).fill(rows));
    }
  });

  it('that are not finished are forgotten', () => {
    const { runner, words } = fixture;
    const call = fixture.call(fixture.define('increment', increment), 8);
    runner.begin();
    runner.add(call, [BASE, 0, 0, 8]);
    runner.begin();
    runner.add(call, [BASE + 64, 0, 0, 8]);
    runner.finish();
    expect([...words.subarray(BASE / 4, BASE / 4 + 8)]).toEqual(new Array(8).fill(0));
    expect([...words.subarray(BASE / 4 + 16, BASE / 4 + 24)]).toEqual(new Array(8).fill(1));
  });

  it('carry float arguments and addresses above 2 GiB as they are', () => {
    const { runner, memory } = fixture;
    const builder = new ModuleBuilder({ initialPages: 1, maximumPages: PAGES, shared: true });
    builder.function('keep', { a: 'i32', b: 'i32', x: 'f32', y: 'f32', begin: 'i32', end: 'i32' }, (code, p) => {
      const unit = code.local('i32', p.begin);
      code.countTo(unit, p.end, 1, () => {
        const address = i32.add(p.a, i32.shl(unit, i32.const(4)));
        code.do(i32.store(address, p.b), f32.store(address, p.x, 4), f32.store(address, p.y, 8));
      });
    });
    const bytes = builder.encode();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const keep = exports.keep as KernelFunction;
    fixture.table.register(['keep'], [keep], bytes);
    runner.begin();
    const call = { ...fixture.call(keep, 6), scalars: 2 };
    runner.add(call, [BASE, 0xfedcba98, 0.1, -1e-40, 0, 6]);
    runner.finish();
    const view = new DataView(memory.buffer);
    for (let unit = 0; unit < 6; unit++) {
      expect(view.getUint32(BASE + unit * 16, true)).toBe(0xfedcba98);
      expect(view.getFloat32(BASE + unit * 16 + 4, true)).toBe(Math.fround(0.1));
      expect(view.getFloat32(BASE + unit * 16 + 8, true)).toBe(Math.fround(-1e-40));
    }
  });
});

describe('modules', () => {
  it('larger than the shared memory for them arrive in parts', () => {
    const { runner, words } = fixture;
    const kernelFunction = fixture.define('increment', increment, 3000);
    expect(fixture.table.entry(kernelFunction).module.bytes.length).toBeGreaterThan(150_000);
    runner.begin();
    runner.add(fixture.call(kernelFunction, 9), [BASE, 0, 0, 9]);
    runner.finish();
    expect([...words.subarray(BASE / 4, BASE / 4 + 10)]).toEqual([...new Array(9).fill(1), 0]);
  });

  it('that a worker cannot load are an error', () => {
    const { runner } = fixture;
    const kernelFunction: KernelFunction = () => {};
    fixture.table.register(['none'], [kernelFunction], Uint8Array.of(1, 2, 3, 4));
    const run = (): void => {
      runner.begin();
      runner.add(fixture.call(kernelFunction, 9), [BASE, 0, 0, 9]);
      runner.finish();
    };
    expect(run).toThrow(BackendError);
    expect(run).toThrow(expect.objectContaining({ code: 'KERNEL_INVALID' }));
  });
});

describe('a kernel that fails', () => {
  /** Unit `a` writes beyond the memory, the others into it. */
  const failing = (code: FunctionBuilder, a: I32, unit: I32): void => {
    code.if(
      i32.eq(a, unit),
      () => code.do(i32.store(i32.const(-64), unit)),
      () => code.do(i32.store(i32.shl(unit, i32.const(2)), i32.const(1), BASE)),
    );
  };

  it('is an error that names it and its thread; the threads go on', () => {
    const { runner, words } = fixture;
    const fails = fixture.call(fixture.define('failing', failing), 6);
    const increments = fixture.call(fixture.define('increment', increment), 6);
    for (const [unit, thread] of [
      [0, 0],
      [3, 1],
      [5, 2],
    ]) {
      words.fill(0);
      runner.begin();
      runner.add(increments, [BASE + 256, 0, 0, 6]);
      runner.add(fails, [unit, 0, 0, 6]);
      runner.add(increments, [BASE + 256, 0, 0, 6]);
      expect(() => runner.finish()).toThrow(
        expect.objectContaining({ code: 'KERNEL_TRAPPED', details: { key: 'test', thread } }),
      );
      expect(runner.threads).toBe(THREADS);
      runner.begin();
      runner.add(increments, [BASE + 512, 0, 0, 6]);
      runner.finish();
      expect([...words.subarray((BASE + 512) / 4, (BASE + 512) / 4 + 6)]).toEqual(new Array(6).fill(1));
    }
  });

  it('is the same error on one thread', async () => {
    const { runner } = fixture;
    await runner.setThreads(1);
    const fails = fixture.call(fixture.define('failing', failing), 6);
    runner.begin();
    expect(() => runner.add(fails, [2, 0, 0, 6])).toThrow(expect.objectContaining({ code: 'KERNEL_TRAPPED' }));
  });
});
