/**
 * Speed of a matrix product, and of multiply-adds that stay in registers, which is the most there can be:
 * node --import tsx bench/product.ts [--size 1024] [--threads 1] [--simd 256] [--mode fast]
 */
import { parseArgs } from 'node:util';
import { WasmBackend } from '../src/kernels/wasm/backend.js';
import { measureLimits } from '../src/profile/index.js';
import { median } from './engine.js';
import { numericsOf } from './start.js';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    threads: { type: 'string', default: '1' },
    simd: { type: 'string' },
    mode: { type: 'string' },
  },
});
const size = Number(values.size);
const threads = Number(values.threads);
const backend = WasmBackend.create({ threads, ...numericsOf(values) });
await backend.setThreads(threads);
const shape = [size, size];
const operands = [0, 1].map(() => ({
  shape,
  dtype: 'float32' as const,
  storage: backend.upload(
    Float32Array.from({ length: size * size }, () => Math.random() - 0.5),
    'float32',
  ),
}));
const times: number[] = [];
for (let run = -3; run < 15; run++) {
  const started = performance.now();
  const [result] = backend.run('matMul', operands, { transposeA: false, transposeB: false }, [
    { shape, dtype: 'float32' },
  ]);
  if (run >= 0) times.push(performance.now() - started);
  backend.release(result);
}
const speed = (2 * size ** 3) / median(times) / 1e6;
const limit = (2 * measureLimits(backend).multiplyAddsPerSecond) / 1e9;
const rounded = (value: number): number => Math.round(value * 10) / 10;
console.log(
  JSON.stringify({ engine: `node ${process.version}`, size, threads, gflops: rounded(speed), limit: rounded(limit) }),
);
process.exit(0);
