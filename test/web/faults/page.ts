/** The page: runs a fault's program here, or in a worker. */
import { type FaultName, runFault } from './program.js';

type Result = Awaited<ReturnType<typeof runFault>>;

const inWorker = (name: FaultName, given: unknown): Promise<Result> =>
  new Promise((resolve) => {
    const worker = new Worker(new URL('./worker.js', location.href), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Result>) => {
      worker.terminate();
      resolve(data);
    };
    worker.onerror = ({ message }) => resolve({ error: `the worker failed: ${message}` });
    worker.postMessage({ name, given });
  });

declare global {
  interface Window {
    runFault: (name: FaultName, given: unknown, place: 'page' | 'worker') => Promise<Result>;
  }
}

window.runFault = (name, given, place) => (place === 'worker' ? inWorker(name, given) : runFault(name, given));
