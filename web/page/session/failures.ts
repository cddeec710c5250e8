/** What a visitor can do about an error, by its code. */
import type { EngineReport, Failure, SessionState } from '../../protocol.js';
import type { Notice } from './state.js';

const OTHER_BACKEND = 'Choose another backend in the settings (“Automatic” works everywhere), then press Continue.';

const ADVICE: Readonly<Record<string, string>> = {
  DEVICE_LOST: `The last checkpoint is kept. ${OTHER_BACKEND}`,
  KERNEL_FAILED: OTHER_BACKEND,
  MODE_UNAVAILABLE: OTHER_BACKEND,
  LIBRARY_MISSING: OTHER_BACKEND,
  WASM_SIMD_MISSING: 'Update the browser, or choose “Plain TypeScript” as backend in the settings.',
  WORKER_DIED: 'If it happens again, choose fewer threads in the settings.',
  WORKER_ENDED: 'Reload the page if it does not start again by itself.',
  UNEXPECTED: 'Try again; if it happens again, choose another backend in the settings.',
};

/** A sentence, or an empty text where the message says it all. */
export const adviceFor = (code: string): string => ADVICE[code] ?? '';

/** What comes after a return to the last checkpoint. */
export const adviceAfterRestore = ({ run }: SessionState, { backend }: EngineReport): string =>
  run?.state === 'running'
    ? `Nothing finished was lost; training goes on with ${backend}.`
    : 'Nothing finished was lost. Choose a smaller learning rate or another backend in the settings, then press Continue.';

/** A worker that has died and was replaced. @param kept Whether there was a checkpoint. */
export const noticeOfRevival = ({ message }: Failure, kept: boolean): Omit<Notice, 'id'> => ({
  kind: 'problem',
  title: 'Training had to be started anew',
  text: `${message} ${
    kept
      ? 'The last automatic checkpoint is restored; Continue goes on from there.'
      : 'There was no checkpoint yet, so the network is new: press Start.'
  }`,
});

/** One that dies again and again. */
export const noticeOfDeaths = ({ message }: Failure, kept: boolean): Omit<Notice, 'id'> => ({
  kind: 'problem',
  title: 'Training keeps stopping',
  text: `${message} Close other tabs or choose another backend in the settings, then start it again.${
    kept ? ' Your work of up to the last epoch is kept.' : ''
  }`,
});
