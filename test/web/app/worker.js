/** The program in a worker. */
import { train } from './train.js';

globalThis.onmessage = ({ data }) => {
  globalThis.expectsThreads = data.expectsThreads;
  train().then(
    (outcome) => postMessage(outcome),
    (error) => postMessage({ error: `${error}\n${error.stack}` }),
  );
};
