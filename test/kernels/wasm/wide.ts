/** An engine for 256-bit code that any version of Node can stand in for: it compiles without joining vectors. */

import type { WasmKernels } from '../../../src/kernels/wasm/kernel.js';
import type { WideTrial } from '../../../src/kernels/wasm/numerics.js';
import { selfCheck } from '../../../src/kernels/wasm/selfCheck.js';

export interface FakeTrial extends WideTrial {
  /** Modules compiled for 256 bits. */
  readonly compiled: () => number;
  /** How often code was checked. */
  readonly checked: () => number;
}

/** @param kernels What is checked. Default: the kernels there are. */
export function fakeTrial(kernels?: WasmKernels, obstacle: string | null = null): FakeTrial {
  let [compiled, checked] = [0, 0];
  return {
    engine: {
      obstacle: () => obstacle,
      compileWide(compile) {
        compiled++;
        return compile();
      },
    },
    check(engine, relaxed) {
      checked++;
      return selfCheck(engine, relaxed, kernels);
    },
    compiled: () => compiled,
    checked: () => checked,
  };
}
