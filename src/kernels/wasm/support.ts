/** What the JavaScript engine's WebAssembly can do, found out by validating small modules. */
import { f32, f32x4, i32, v128 } from './assembler/instructions.js';
import { ModuleBuilder } from './assembler/module.js';

let simd: boolean | null = null;

/** Whether 128-bit SIMD exists. */
export function simdSupported(): boolean {
  if (simd !== null) return simd;
  if (typeof WebAssembly === 'undefined') return false;
  const module = new ModuleBuilder({ initialPages: 1, maximumPages: 1, shared: false });
  module.function('probe', {}, (code) => code.do(v128.store(i32.const(0), f32x4.splat(f32.const(1)))));
  simd = WebAssembly.validate(module.encode());
  return simd;
}

let relaxed: boolean | null = null;

/** Whether the relaxed multiply-add exists. */
export function relaxedSimdSupported(): boolean {
  if (relaxed !== null) return relaxed;
  if (!simdSupported()) return false;
  const module = new ModuleBuilder({ initialPages: 1, maximumPages: 1, shared: false });
  const one = f32x4.splat(f32.const(1));
  module.function('probe', {}, (code) => code.do(v128.store(i32.const(0), f32x4.relaxedMadd(one, one, one))));
  relaxed = WebAssembly.validate(module.encode());
  return relaxed;
}
