/**
 * Where worker threads come from: Node's worker_threads, or a browser's workers where the page is isolated from other
 * origins (only then may threads share memory).
 */
import type * as operatingSystem from 'node:os';
import type * as workerThreads from 'node:worker_threads';
import { WORKER_SOURCE } from './workerSource.js';

/** What a worker is given at its start. */
export interface WorkerStart {
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
}

export interface WorkerEvents {
  ready(): void;
  /** The thread has ended, which it never does by itself. */
  ended(error: Error): void;
}

export interface WorkerHandle {
  /** False once the thread is known to have ended. Works while this thread never returns to its event loop, in Node. */
  alive(): boolean;
  /** Whether the process waits for the thread. */
  hold(held: boolean): void;
  terminate(): Promise<void>;
}

export interface ThreadHost {
  /** Cores that the process may use. */
  readonly cores: number;
  start(given: WorkerStart, events: WorkerEvents): WorkerHandle;
}

function nodeHost(
  { Worker, MessageChannel }: typeof workerThreads,
  { availableParallelism, cpus }: typeof operatingSystem,
): ThreadHost {
  return {
    cores: availableParallelism?.() ?? cpus().length,
    start(given, { ready, ended }) {
      // Without execArgv, what the program itself was started with (a TypeScript loader, say) would be loaded again.
      const worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [], name: 'quantgrad kernels' });
      const { port1, port2 } = new MessageChannel();
      port2.unref();
      worker.unref();
      worker.once('message', ready);
      worker.once('error', ended);
      worker.once('exit', (code) => ended(new Error(`the thread ended with code ${code}`)));
      worker.postMessage({ ...given, port: port1 }, [port1]);
      return {
        // Says whether there is anyone at the other end; the declared type does not know the result.
        alive: () => (port2.postMessage(0) as unknown) !== false,
        hold: (held) => (held ? worker.ref() : worker.unref()),
        async terminate() {
          port2.close();
          await worker.terminate();
        },
      };
    },
  };
}

function browserHost(): ThreadHost {
  return {
    cores: navigator.hardwareConcurrency,
    start(given, { ready, ended }) {
      const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }));
      const worker = new Worker(url, { name: 'quantgrad kernels' });
      let ending = false;
      worker.onmessage = () => {
        URL.revokeObjectURL(url);
        ready();
      };
      worker.onerror = ({ message }) => {
        ending = true;
        // A worker that a policy forbids gives no reason.
        ended(new Error(message || "the browser refused it; a Content-Security-Policy needs 'worker-src blob:'"));
      };
      worker.postMessage(given);
      return {
        alive: () => !ending,
        hold: () => {},
        async terminate() {
          worker.terminate();
        },
      };
    },
  };
}

const isNode = (): boolean => typeof process === 'object' && typeof process.versions?.node === 'string';

/** Undefined as long as it is not known. */
let found: ThreadHost | null | undefined;

/** The host, null where there is none, or undefined where only `findThreadHost` can tell. */
export function knownThreadHost(): ThreadHost | null | undefined {
  if (found !== undefined) return found;
  if (typeof SharedArrayBuffer !== 'function') found = null;
  else if (isNode()) {
    // Node 20.16 and newer.
    const load = process.getBuiltinModule as ((name: string) => unknown) | undefined;
    const threads = load?.('node:worker_threads') as typeof workerThreads | undefined;
    if (load && threads) found = nodeHost(threads, load('node:os') as typeof operatingSystem);
  } else found = globalThis.crossOriginIsolated === true && typeof Worker === 'function' ? browserHost() : null;
  return found;
}

/** Why there is no host, as a clause. */
export function whyOneThread(): string {
  if (!isNode() && globalThis.crossOriginIsolated === false) {
    return 'the page is not cross-origin isolated (docs/web.md names the two headers)';
  }
  if (typeof SharedArrayBuffer !== 'function') return 'SharedArrayBuffer is missing';
  return isNode() ? 'worker_threads cannot be loaded' : 'there are no workers here';
}

export async function findThreadHost(): Promise<ThreadHost | null> {
  if (knownThreadHost() === undefined) {
    try {
      // The comments let bundlers for the browser pass over these.
      const threads = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:worker_threads');
      const os = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:os');
      found = nodeHost(threads, os);
    } catch {
      found = null;
    }
  }
  return found ?? null;
}
