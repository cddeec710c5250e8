/** What runs in the browser: kernels on threads, if the page may have some. Leaves its findings in `document.title`. */
import { WasmBackend } from '../../../../../src/kernels/wasm/backend.js';

async function run(): Promise<object> {
  const shape = [100_003];
  const operand = (backend: WasmBackend, factor: number) => ({
    shape,
    dtype: 'float32' as const,
    storage: backend.upload(
      Float32Array.from({ length: 100_003 }, (_, index) => index * factor),
      'float32',
    ),
  });
  const add = (backend: WasmBackend): boolean => {
    const [sum] = backend.run('binary', [operand(backend, 0.25), operand(backend, -1)], { function: 'add' }, [
      { shape, dtype: 'float32' },
    ]);
    return backend.readSync(sum).every((value, index) => value === index * -0.75);
  };
  const backend = WasmBackend.create({ minimumShared: 0 });
  await backend.setThreads(3);
  const { threads } = backend.info();
  let right = 0;
  for (let times = 0; times < 200; times++) if (add(backend)) right++;
  await backend.dispose();
  const lazy = WasmBackend.create({ minimumShared: 0, threads: 2 });
  add(lazy);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  if (add(lazy)) right++;
  return { isolated: crossOriginIsolated, threads, right, lazyThreads: lazy.info().threads };
}

run().then(
  (result) => {
    document.title = JSON.stringify(result);
  },
  (error) => {
    document.title = JSON.stringify({ error: String(error) });
  },
);
