/** Modes, 256 bits, and what happens where 256 bits cannot be had. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ValidationError } from '../../../src/errors.js';
import type { KernelName } from '../../../src/kernels/contract.js';
import { i32, v128 } from '../../../src/kernels/wasm/assembler/instructions.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import type { WasmCall, WasmKernel } from '../../../src/kernels/wasm/kernel.js';
import { addWasmKernels, WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { chooseNumerics } from '../../../src/kernels/wasm/numerics.js';
import { selfCheck } from '../../../src/kernels/wasm/selfCheck.js';
import { findObstacle, nodeWideEngine } from '../../../src/kernels/wasm/wideEngine.js';
import { KERNEL_CASES } from '../conformance/cases/index.js';
import { createRandom, type KernelCase } from '../conformance/kernelCase.js';
import { addArrays, bitsOf } from './threads/tools.js';
import { fakeTrial } from './wide.js';

const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
beforeEach(() => {
  warn.mockClear();
  delete process.env.QUANTGRAD_SIMD;
});
afterEach(() => {
  delete process.env.QUANTGRAD_SIMD;
});

/** `clamp`, but code for 256 bits writes zeros over its first vector when all is done. */
const broken: WasmKernel<'clamp'> = (inputs, attributes, outputs) => {
  const call = WASM_KERNELS.clamp?.(inputs, attributes, outputs) as WasmCall;
  return {
    ...call,
    key: `broken ${call.key}`,
    phases: [...call.phases, { name: 'spoil', units: 1 }],
    build(module, options) {
      call.build(module, options);
      module.function('spoil', { input: 'i32', output: 'i32', begin: 'i32', end: 'i32' }, (code, { output }) => {
        const zero = code.local('v128');
        if (options.wide) code.do(v128.store(output, zero));
      });
    },
  };
};

/** As `broken`, but it reads outside the memory. */
const trapping: WasmKernel<'clamp'> = (inputs, attributes, outputs) => {
  const call = WASM_KERNELS.clamp?.(inputs, attributes, outputs) as WasmCall;
  return {
    ...call,
    phases: [{ name: 'spoil', units: 1 }],
    build(module, options) {
      module.function('spoil', { input: 'i32', output: 'i32', begin: 'i32', end: 'i32' }, (code, { output }) => {
        if (options.wide) code.do(i32.store(output, i32.load(i32.const(-4))));
      });
    },
  };
};

describe('the options', () => {
  it('are portable and 128 bits by default', () => {
    expect(chooseNumerics({}, fakeTrial())).toEqual({
      mode: 'portable',
      relaxed: false,
      simd: { bits: 128, reason: '128 is the default' },
    });
    expect(WasmBackend.create().info()).toMatchObject({ mode: 'portable', relaxed: false, simd: 128 });
    expect(warn).not.toHaveBeenCalled();
  });

  it('are checked', () => {
    expect(() => chooseNumerics({ mode: 'quick' as 'fast' })).toThrow(ValidationError);
    expect(() => chooseNumerics({ mode: 'quick' as 'fast' })).toThrow("'portable' (default) or 'fast'");
    for (const simd of [64, 512, '256']) {
      expect(() => chooseNumerics({ simd: simd as 256 })).toThrow(/must be 128 \(default\) or 256/);
    }
  });

  it('are independent of each other', () => {
    for (const mode of ['portable', 'fast'] as const) {
      const { info } = { info: WasmBackend.create({ mode, simd: 256 }, fakeTrial()).info() };
      expect(info).toMatchObject({ mode, simd: 256 });
    }
  });
});

describe('QUANTGRAD_SIMD', () => {
  it('says what is asked for where no option does', () => {
    process.env.QUANTGRAD_SIMD = '256';
    const trial = fakeTrial();
    expect(chooseNumerics({}, trial).simd.bits).toBe(256);
    expect(chooseNumerics({ simd: 128 }, trial).simd).toEqual({ bits: 128, reason: "the option 'simd' says 128" });
    process.env.QUANTGRAD_SIMD = '128';
    expect(chooseNumerics({}, trial).simd).toEqual({ bits: 128, reason: 'QUANTGRAD_SIMD says 128' });
    expect(chooseNumerics({ simd: 256 }, trial).simd.bits).toBe(256);
    process.env.QUANTGRAD_SIMD = ' ';
    expect(chooseNumerics({}, trial).simd.reason).toBe('128 is the default');
  });

  it('must be 128 or 256', () => {
    process.env.QUANTGRAD_SIMD = 'avx';
    expect(() => WasmBackend.create()).toThrow(/QUANTGRAD_SIMD is 'avx'/);
    expect(() => chooseNumerics({ simd: 128 })).not.toThrow();
  });
});

describe('256 bits where they cannot be had', () => {
  it('is a warning, once, and 128 bits', () => {
    const trial = fakeTrial(undefined, 'this is a toaster');
    for (let time = 0; time < 3; time++) {
      const info = WasmBackend.create({ simd: 256 }, trial).info();
      expect(info.simd).toBe(128);
      expect(info.simdReason).toBe("the option 'simd' says 256, but this is a toaster");
    }
    expect(trial.checked()).toBe(0);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/256-bit SIMD was asked for, but this is a toaster.*128 bits/);
  });

  it('is everywhere but in Node 24 and newer, on x64 with AVX2', () => {
    const versions = { node: '24.1.0', v8: '13.6' };
    const known = { versions, built: true, arch: 'x64', features: ['sse2', 'avx', 'avx2'] };
    expect(findObstacle(known)).toBeNull();
    expect(findObstacle({ ...known, features: undefined })).toBeNull();
    expect(findObstacle({})).toMatch(/not Node/);
    expect(findObstacle({ ...known, versions: { ...versions, bun: '1.2.0' } })).toMatch(/not Node/);
    expect(findObstacle({ ...known, versions: { ...versions, deno: '2.1.0' } })).toMatch(/not Node/);
    expect(findObstacle({ ...known, versions: { ...versions, node: '22.9.0' } })).toMatch(/this is Node 22.9.0/);
    expect(findObstacle({ ...known, built: false })).toMatch(/built without/);
    expect(findObstacle({ ...known, arch: 'arm64' })).toMatch(/this is arm64/);
    expect(findObstacle({ ...known, features: ['sse2', 'avx'] })).toMatch(/no AVX2/);
  });

  it('names what is missing on this engine, or works', () => {
    const obstacle = nodeWideEngine.obstacle();
    if (Number.parseInt(process.versions.node, 10) < 24) expect(obstacle).toMatch(/Node 24 or newer/);
    const { simd } = WasmBackend.create({ simd: 256 }).info();
    expect(simd).toBe(obstacle === null ? 256 : 128);
  });
});

describe('the check of 256-bit code', () => {
  it('passes for the kernels there are', () => {
    expect(selfCheck(fakeTrial().engine, false)).toBeNull();
  });

  it.skipIf(nodeWideEngine.obstacle() !== null)('passes on this engine, in both modes', () => {
    expect(selfCheck(nodeWideEngine, false)).toBeNull();
    expect(selfCheck(nodeWideEngine, true)).toBeNull();
  });

  it('finds a wrong result, and says which', () => {
    expect(selfCheck(fakeTrial().engine, false, { ...WASM_KERNELS, clamp: broken })).toMatch(
      /^'clamp' of \[4, 6, 9, 11\] gave 0 instead of [\d.]+ at element \d of output 0$/,
    );
  });

  it('takes code that fails for wrong', () => {
    expect(selfCheck(fakeTrial().engine, false, { ...WASM_KERNELS, clamp: trapping })).toMatch(/^it could not run \(/);
  });

  it('leads to 128 bits where it fails: nothing more is compiled for 256, and results are right', () => {
    const trial = fakeTrial({ ...WASM_KERNELS, clamp: broken });
    const backend = WasmBackend.create({ simd: 256 }, trial);
    const compiled = trial.compiled();
    expect(compiled).toBeGreaterThan(0);
    expect(backend.info()).toMatchObject({ simd: 128 });
    expect(backend.info().simdReason).toMatch(/check of what the engine compiles failed: 'clamp'/);
    expect(addArrays(backend, 1000).wrong()).toBe(0);
    WasmBackend.create({ simd: 256 }, trial);
    expect(trial.compiled()).toBe(compiled);
    expect(trial.checked()).toBe(1);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/failed: 'clamp'.*Kernels run with 128 bits/);
  });

  it('is made again for kernels that are added later; where they are wrong, all go on with 128 bits', () => {
    const kernels = { ...WASM_KERNELS };
    const trial = fakeTrial(kernels);
    const backend = WasmBackend.create({ simd: 256 }, trial);
    expect(addArrays(backend, 1000).wrong()).toBe(0);
    addWasmKernels({});
    expect(addArrays(backend, 1000).wrong()).toBe(0);
    expect([trial.checked(), backend.info().simd]).toEqual([2, 256]);
    Object.assign(kernels, { clamp: broken });
    addWasmKernels({});
    expect(addArrays(backend, 1000).wrong()).toBe(0);
    expect([trial.checked(), backend.info().simd]).toEqual([3, 128]);
    expect(backend.info().simdReason).toMatch(/check of what the engine compiles failed: 'clamp'/);
    const compiled = trial.compiled();
    expect(addArrays(backend, 999).wrong()).toBe(0);
    expect(trial.compiled()).toBe(compiled);
  });

  it('is made once for each mode', () => {
    const trial = fakeTrial();
    for (const mode of ['portable', 'fast', 'portable', 'fast'] as const) {
      WasmBackend.create({ simd: 256, mode }, trial);
    }
    expect(trial.checked()).toBeLessThanOrEqual(2);
  });
});

describe('code for 256 bits', () => {
  const real = nodeWideEngine.obstacle() === null;
  const wide = real ? WasmBackend.create({ simd: 256 }) : WasmBackend.create({ simd: 256 }, fakeTrial());
  const narrow = WasmBackend.create({ simd: 128 });

  it('is compiled as such', () => {
    const trial = fakeTrial();
    const backend = WasmBackend.create({ simd: 256 }, trial);
    const before = trial.compiled();
    expect(addArrays(backend, 1000).wrong()).toBe(0);
    expect(trial.compiled()).toBe(before + 1);
  });

  describe('gives the same bits as code for 128', () => {
    for (const kernel of Object.keys(KERNEL_CASES) as KernelName[]) {
      it(kernel, () => {
        for (const kernelCase of KERNEL_CASES[kernel] as readonly KernelCase<KernelName>[]) {
          const inputs = kernelCase.inputs(createRandom(11));
          const [a, b] = [wide, narrow].map((backend) => {
            const operands = inputs.map(({ shape, dtype, values }) => ({
              shape,
              dtype,
              storage: backend.upload(values.slice(), dtype),
            }));
            const results = backend.run(kernel, operands, kernelCase.attributes, kernelCase.outputs);
            return results.map((result) => bitsOf(backend.readSync(result).slice()));
          });
          a.forEach((bits, output) => {
            expect(bits.equals(b[output]), `${kernelCase.name}, output ${output}`).toBe(true);
          });
        }
      });
    }
  });
});
