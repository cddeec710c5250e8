/** Speed of a matrix product on one thread: node --import tsx bench/product.ts [--size 1024] [--simd 256] [--mode fast] */
import { parseArgs } from 'node:util';
import { WasmBackend } from '../src/kernels/wasm/backend.js';
import { median } from './engine.js';
import { numericsOf } from './start.js';

const { values } = parseArgs({
  options: { size: { type: 'string', default: '1024' }, simd: { type: 'string' }, mode: { type: 'string' } },
});
const size = Number(values.size);
const backend = WasmBackend.create({ threads: 1, ...numericsOf(values) });
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
console.log(JSON.stringify({ engine: `node ${process.version}`, size, gflops: Math.round(speed * 10) / 10 }));
