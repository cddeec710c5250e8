/**
 * Makes the worker. Its code travels inside the page's script, so that the page is one folder that works from any address,
 * also from a file. Where a Content-Security-Policy forbids workers of such code, there is the same code as a file.
 */
import EngineWorker from './main.ts?worker&inline';
// Taken apart here and not when it is needed: a classic script knows its own address only while it is first run.
import address from './main.ts?worker&url';

export type Spawn = (name: string) => Worker;

export const spawnWorker: Spawn = (name) => new EngineWorker({ name });

const spawnFile: Spawn = (name) => new Worker(address, { name });

/** Tries a worker that does nothing. */
function insideAllowed(): Promise<boolean> {
  const url = URL.createObjectURL(new Blob(['postMessage(0)'], { type: 'text/javascript' }));
  return new Promise<boolean>((resolve) => {
    const worker = new Worker(url);
    const end = (allowed: boolean): void => {
      worker.terminate();
      URL.revokeObjectURL(url);
      resolve(allowed);
    };
    worker.onmessage = () => end(true);
    worker.onerror = (event) => {
      event.preventDefault();
      end(false);
    };
  });
}

/** The way to make workers that this page allows. The development server has no policy. */
export const findSpawn = async (): Promise<Spawn> =>
  import.meta.env.DEV || (await insideAllowed()) ? spawnWorker : spawnFile;
