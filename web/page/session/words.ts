/** What is happening, in words for someone who has never trained a network. */
import type { Accuracies, Phase } from '../../protocol.js';
import { percent } from '../format.js';
import type { PageState, Task } from './state.js';

const TASKS: Readonly<Record<Exclude<Task, null>, string>> = {
  starting: 'Loading the network and the digits…',
  quantizing: 'Rounding the network: looking at 300 digits to see how large its numbers get…',
  switching: 'Moving everything to another backend…',
  loading: 'Reading the checkpoint…',
  restarting: 'Throwing dice for a new network…',
  exporting: 'Writing the file…',
};

const atPercent = (accuracy: number | null): string =>
  accuracy === null ? '' : ` It reads ${percent(accuracy)} of the test digits correctly.`;

export function describe({ life, task, run, accuracies, data }: PageState): string {
  if (life === 'dead') return 'Training has stopped and could not be started again. See the message above.';
  if (task !== null && task !== 'exporting') return TASKS[task];
  if (!run) {
    if (accuracies.quantized !== null) return 'Quantized. Fine-tune it, look inside, or take it away.';
    return `Ready. The network has not seen a single digit yet: its answers are guesses.`;
  }
  const tuning = run.phase === 'fineTune';
  const accuracy = tuning ? accuracies.fineTuned : accuracies.float;
  if (run.state === 'paused') return `Paused.${atPercent(accuracy)}`;
  if (run.state === 'finished') {
    const next = tuning ? 'Draw a digit, look inside, or take it away.' : 'Now quantize it in step 3.';
    return `Finished.${atPercent(accuracy)} ${next}`;
  }
  return tuning
    ? 'Fine-tuning: the network learns to live with its rounded numbers.'
    : `Training: it looks at 64 of ${data ? data.train.toLocaleString('en') : 'the'} digits at a time, guesses, and corrects itself.`;
}

export function describeEnd(phase: Phase, { float, fineTuned }: Accuracies): string {
  const accuracy = phase === 'float' ? float : fineTuned;
  return `${phase === 'float' ? 'Training' : 'Fine-tuning'} has finished.${atPercent(accuracy)}`;
}
