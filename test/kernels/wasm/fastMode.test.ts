/** The conformance suite in `fast` mode, with the relaxed multiply-add. */
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { relaxedSimdSupported } from '../../../src/kernels/wasm/support.js';
import { describeBackend } from '../conformance/suite.js';
import { fakeTrial } from './wide.js';

// Node 20 has the instructions behind a flag; in newer versions they are always there.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');

describe('fast mode', () => {
  it('takes the relaxed multiply-add, which portable mode never does', () => {
    expect(relaxedSimdSupported()).toBe(true);
    expect(WasmBackend.create({ mode: 'fast' }).info().relaxed).toBe(true);
    expect(WasmBackend.create({ mode: 'portable' }).info().relaxed).toBe(false);
  });
});

describeBackend('wasm, fast', async () => WasmBackend.create({ mode: 'fast' }), {
  dtypes: ['float32', 'int32', 'bool'],
});
describeBackend('wasm, fast, wide', async () => WasmBackend.create({ mode: 'fast', simd: 256 }, fakeTrial()), {
  dtypes: ['float32', 'int32', 'bool'],
});
