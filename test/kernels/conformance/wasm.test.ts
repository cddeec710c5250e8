/** The conformance suite on the WebAssembly backend, with a pattern around every buffer that is checked when it comes back. */
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { describeBackend } from './suite.js';

describeBackend('wasm, guarded', async () => WasmBackend.create({ guard: true }));
