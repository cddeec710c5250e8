/** Makes the worker. Its code travels inside the page's script, so that the page is one folder that works from any address. */
import EngineWorker from './main.ts?worker&inline';

export const spawnWorker = (name: string): Worker => new EngineWorker({ name });
