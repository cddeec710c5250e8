/** Uses threads and then ends in the way it is told. */
const [, , ending] = process.argv;
// As in Node before 20.16.
if (ending === 'old') Object.defineProperty(process, 'getBuiltinModule', { value: undefined });
const { WasmBackend } = await import('../../../../../src/kernels/wasm/backend.js');
const backend = WasmBackend.create({ threads: 3 });
if (ending !== 'lazy') await backend.setThreads(3);
const shape = [1_000_000];
const storage = backend.upload(new Float32Array(1_000_000).fill(1.5), 'float32');
const x = { shape, dtype: 'float32' as const, storage };
const [sum] = backend.run('binary', [x, x], { function: 'add' }, [{ shape, dtype: 'float32' }]);
if (ending !== 'lazy' && backend.info().threads !== 3) throw new Error('There are no threads.');
if (backend.readSync(sum).every((value) => value === 3)) console.log('right');
if (ending === 'dispose') await backend.dispose();
else if (ending === 'exit') process.exit();
else if (ending === 'throw') throw new Error('on purpose');
