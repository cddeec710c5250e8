/** Runs the program in the page, or in a worker if the address says so. */
import { train } from './train.js';

const settings = new URLSearchParams(location.search);
globalThis.expectsThreads = settings.get('threads') !== '1';

const inWorker = () =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
    worker.postMessage({ expectsThreads: globalThis.expectsThreads });
  });

(settings.has('worker') ? inWorker() : train()).then(
  (outcome) => {
    globalThis.outcome = outcome;
  },
  (error) => {
    globalThis.outcome = { error: `${error}\n${error.stack}` };
  },
);
