/** Runs instructions: a function over one page of memory; and numbers on which instructions differ. */
import fc from 'fast-check';
import { i32 } from '../../../src/kernels/wasm/assembler/instructions.js';
import {
  type CodeOptions,
  type FunctionBuilder,
  ModuleBuilder,
  PORTABLE,
} from '../../../src/kernels/wasm/assembler/module.js';

export class Machine {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  readonly view = new DataView(this.memory.buffer);
  readonly #run: () => void;

  constructor(build: (code: FunctionBuilder) => void, options: CodeOptions = PORTABLE) {
    const module = new ModuleBuilder({ initialPages: 1, maximumPages: 1, shared: false }, options);
    module.function('run', {}, (code) => build(code));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
      env: { memory: this.memory },
    });
    this.#run = exports.run as () => void;
  }

  run(): void {
    this.#run();
  }

  floats(at: number, count = 4): Float32Array {
    return new Float32Array(this.memory.buffer, at, count);
  }

  integers(at: number, count = 4): Int32Array {
    return new Int32Array(this.memory.buffer, at, count);
  }
}

export const at = (address: number) => i32.const(address);
export const RESULT = 64;

/** Numbers on which instructions differ. */
export const floats = fc
  .oneof(
    fc.float({ noNaN: false }),
    fc.constantFrom(0, -0, 0.5, -0.5, 1.5, 2.5, -2.5, Number.NaN, Infinity, -Infinity, 1e-45, 8388609),
  )
  .map(Math.fround);
export const quads = fc.tuple(floats, floats, floats, floats);
export const integerQuads = fc.tuple(fc.integer(), fc.integer(), fc.integer(), fc.integer());

export function nearest(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 23) return x;
  const low = Math.floor(x);
  const rounded = x - low < 0.5 || (x - low === 0.5 && low % 2 === 0) ? low : low + 1;
  return rounded === 0 ? x * 0 : rounded;
}

/** What pmin and pmax choose: NaN in the first operand stays, in the second it gives the first. */
export const firstUnless = (better: boolean, a: number, b: number): number => (better ? b : a);

export const toInteger = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), -2147483648), 2147483647);
