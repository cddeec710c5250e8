/** The same in a worker. What nobody handles there counts as a failure too. */
import { type FaultName, runFault } from './program.js';

const unhandled: string[] = [];
addEventListener('unhandledrejection', (event) => unhandled.push(String(event.reason)));
addEventListener('message', ({ data }: MessageEvent<{ name: FaultName; given: unknown }>) => {
  void runFault(data.name, data.given).then((result) => {
    postMessage(unhandled.length > 0 ? { error: `nobody handles: ${unhandled.join('; ')}` } : result);
  });
});
