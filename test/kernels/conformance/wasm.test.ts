/** The conformance suite on the WebAssembly backend. */
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { describeBackend } from './suite.js';

describeBackend('wasm', async () => WasmBackend.create());
