/** The life of threads: when they start, what happens when one dies, how a process ends that has some. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { BackendError, ValidationError } from '../../../../src/errors.js';
import { WasmBackend } from '../../../../src/kernels/wasm/backend.js';
import { getThreads, setThreads } from '../../../../src/kernels/wasm/threads/count.js';
import { addArrays, watchWorkers, withThreads } from './tools.js';

// What is tested here is the number of threads without it.
delete process.env.QUANTGRAD_THREADS;
// Before any backend looks for the class.
const watched = watchWorkers();
afterAll(() => watched.restore());

const LENGTH = 100_000;

/** What `body` throws. */
function thrown(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('the number of threads', () => {
  it('is checked', async () => {
    for (const count of [0, -1, 1.5, 65, Number.NaN, '2']) {
      expect(() => setThreads(count as number)).toThrow(ValidationError);
      expect(() => WasmBackend.create({ threads: count as number })).toThrow(ValidationError);
      await expect(WasmBackend.create().setThreads(count as number)).rejects.toThrow('from 1 to 64');
    }
  });

  it('changes while the backend is used', async () => {
    const backend = await withThreads(2);
    const old = addArrays(backend, LENGTH);
    for (const count of [4, 1, 3, 2]) {
      await backend.setThreads(count);
      expect(backend.info().threads).toBe(count);
      expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    }
    const change = backend.setThreads(3);
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    await change;
    expect(backend.info().threads).toBe(3);
    expect(old.wrong()).toBe(0);
    await backend.dispose();
  });

  it('is the common setting, by default the number of cores, where a backend has none of its own', async () => {
    expect(getThreads()).toBe(availableParallelism());
    const backend = WasmBackend.create({ minimumShared: 0 });
    const own = WasmBackend.create({ minimumShared: 0, threads: 1 });
    const started = watched.workers.length;
    try {
      setThreads(3);
      expect(getThreads()).toBe(3);
      await joined(backend, 3);
      addArrays(own, LENGTH);
      expect(own.info().threads).toBe(1);
      expect(watched.workers.length).toBe(started + 2);
      setThreads(1);
      expect(addArrays(backend, LENGTH).wrong()).toBe(0);
      expect(backend.info().threads).toBe(1);
    } finally {
      setThreads(availableParallelism());
      await backend.dispose();
    }
  });

  it('is one where the memory cannot be shared', async () => {
    const backend = WasmBackend.create({ shared: false, threads: 4, minimumShared: 0 });
    await backend.setThreads(4);
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    expect(backend.info().threads).toBe(1);
  });
});

/** Uses the backend, without a turn of the event loop, until its threads have joined. */
async function joined(backend: WasmBackend, threads: number): Promise<void> {
  for (const end = performance.now() + 20_000; backend.info().threads < threads && performance.now() < end; )
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
  expect(backend.info().threads).toBe(threads);
}

describe('starting', () => {
  it('waits for the first work that is worth it, and then needs no event loop', async () => {
    const started = watched.workers.length;
    const backend = WasmBackend.create({ threads: 2 });
    for (let times = 0; times < 10; times++) addArrays(backend, 4096);
    expect(watched.workers.length).toBe(started);
    addArrays(backend, 200_000);
    expect(watched.workers.length).toBe(started + 1);
    await joined(backend, 2);
    await backend.dispose();
  });

  it('ends with the backend', async () => {
    const backend = await withThreads(3);
    const ended = watched.workers.slice(-2).map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    const sum = addArrays(backend, LENGTH);
    await backend.dispose();
    await Promise.all(ended);
    expect(sum.wrong()).toBe(0);
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    expect(backend.info().threads).toBe(1);
    await backend.dispose();
  });
});

describe('a backend that nothing uses any more', () => {
  it('takes its threads with it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let ended = false;
    const use = async (): Promise<void> => {
      expect(addArrays(await withThreads(2), LENGTH).wrong()).toBe(0);
      watched.workers.at(-1)?.once('exit', () => {
        ended = true;
      });
    };
    await use();
    for (let times = 0; !ended && times < 500; times++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(ended).toBe(true);
  });
});

describe('the heap', () => {
  it('grows while threads run', async () => {
    const backend = await withThreads(3);
    const sizes = [10_000, 300_000, 5_000_000].map((length) => {
      expect(addArrays(backend, length).wrong()).toBe(0);
      return backend.info().heapSize;
    });
    expect(sizes[2]).toBeGreaterThan(sizes[0] + 50_000_000);
    await backend.dispose();
  });
});

describe('a thread that dies', () => {
  it('between two kernels is an error of the next; then kernels run on one thread until the number is set', async () => {
    const backend = await withThreads(3);
    const sum = addArrays(backend, LENGTH);
    await (watched.workers.at(-1)?.terminate() as Promise<number>);
    const error = thrown(() => addArrays(backend, LENGTH));
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code: 'WORKER_DIED', details: { thread: 2 } });
    expect(sum.wrong()).toBe(0);
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    expect(backend.info().threads).toBe(1);
    await backend.setThreads(3);
    expect(backend.info().threads).toBe(3);
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    await backend.dispose();
  });

  it('while the calling thread never returns to its event loop is an error, not a hang', async () => {
    const backend = await withThreads(3);
    void watched.workers.at(-2)?.terminate();
    const error = thrown(() => {
      for (const end = performance.now() + 20_000; performance.now() < end; ) addArrays(backend, LENGTH);
    });
    expect(error).toMatchObject({ code: 'WORKER_DIED' });
    expect(addArrays(backend, LENGTH).wrong()).toBe(0);
    // The common setting does not bring it back by itself.
    expect(backend.info().threads).toBe(1);
  });
});

describe('a process', () => {
  const program = fileURLToPath(new URL('./programs/process.ts', import.meta.url));
  const run = promisify(execFile);
  const start = (ending: string): ReturnType<typeof run> =>
    run(process.execPath, ['--import', 'tsx', program, ending], { timeout: 25_000 });

  for (const ending of ['return', 'dispose', 'exit', 'lazy', 'old']) {
    it(`ends by itself (${ending})`, async () => {
      const { stdout } = await start(ending);
      expect(stdout).toContain('right');
    });
  }

  it('ends by an uncaught error', async () => {
    await expect(start('throw')).rejects.toMatchObject({ code: 1, killed: false });
  });
});
