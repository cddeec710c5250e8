/** The worker: reads the digits and gives commands to the host. */
import digits from '../../examples/digits/digits.csv?raw';
import { splitDigits } from '../../examples/digits/parse.js';
import { Host } from './host.js';

const host = new Host(splitDigits(digits, 'digits.csv'), (message) => postMessage(message));

/**
 * While the worker lives it holds the lock of its name; the page waits for it, to hear of the worker's end. Where there are no
 * locks (outside secure contexts), the page does not hear of it.
 */
const held = new Promise<void>((resolve) => {
  const hold = (): Promise<never> => {
    resolve();
    return new Promise(() => {});
  };
  if (!navigator.locks) resolve();
  else navigator.locks.request(self.name, hold).catch(() => resolve());
});

addEventListener('message', ({ data }) => void held.then(() => host.receive(data)));

/** What nobody has caught ends the worker; the page hears of it, and starts another from the last checkpoint. */
addEventListener('unhandledrejection', ({ reason }) => {
  reportError(reason);
  close();
});
