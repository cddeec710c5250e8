/** A bare page with nothing but the worker, for tests to talk to. */
import type { Accuracies } from '../../../../web/protocol.js';
import { EngineClient } from '../../../../web/worker/client.js';
import { spawnWorker } from '../../../../web/worker/spawn.js';
import type { Plan } from '../planTypes.js';

declare global {
  interface Window {
    client: EngineClient;
    /** The worker of now, so that tests can end it. */
    worker: Worker;
    /** Names of the client's events, as they came. */
    events: string[];
    /** Resolves when a run has come to its end. */
    runEnd(): Promise<void>;
    /** Trains, quantizes and fine-tunes. */
    trainToEnd(plan: Plan): Promise<{ accuracies: Accuracies; time: number }>;
  }
}

window.client = new EngineClient((name) => {
  window.worker = spawnWorker(name);
  return window.worker;
});

window.events = [];
for (const name of ['progress', 'points', 'histograms', 'runEnded', 'checkpoint', 'restored', 'died'] as const) {
  window.client.on(name, () => window.events.push(name));
}

window.runEnd = () =>
  new Promise((resolve) => {
    const off = window.client.on('runEnded', () => {
      off();
      resolve();
    });
  });

window.trainToEnd = async ({ float, quantize, fineTune }) => {
  const { client } = window;
  const began = performance.now();
  let end = window.runEnd();
  await client.send('train', { phase: 'float', ...float });
  await end;
  await client.send('quantize', quantize);
  end = window.runEnd();
  await client.send('train', { phase: 'fineTune', ...fineTune });
  await end;
  const { accuracies } = await client.send('evaluate', {});
  return { accuracies, time: performance.now() - began };
};
