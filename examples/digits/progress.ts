/** Progress on the terminal: bars, or a line per epoch where there is no terminal, such as in a log file. */
import { SingleBar } from 'cli-progress';

export interface TrainingProgress {
  /** Called after each batch with its size and its loss. */
  advance(samples: number, loss: number): void;
  endEpoch(epoch: number): void;
  stop(): void;
}

// A line has room in a terminal of 80 columns.
const TITLE_WIDTH = 19;
const BAR_WIDTH = 12;
/** Share of the newest loss in the mean that is shown. */
const NEWEST = 0.1;

const seconds = (milliseconds: number): string => `${Math.ceil(milliseconds / 1000)} s`;

/** Shows the running mean of the loss, samples per second and the time left. */
export function showTraining(title: string, epochs: number, samplesPerEpoch: number): TrainingProgress {
  const total = epochs * samplesPerEpoch;
  const terminal = process.stdout.isTTY === true;
  const bar = new SingleBar({
    format: `${title.padEnd(TITLE_WIDTH)} {bar} {percentage}% loss {loss}, {speed} samples/s, {left} left`,
    stream: process.stdout,
    barsize: BAR_WIDTH,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
  });
  const start = performance.now();
  let done = 0;
  let mean: number | null = null;
  const state = (): { loss: string; speed: string; left: string } => {
    const elapsed = performance.now() - start;
    return {
      loss: mean === null ? '-' : mean.toFixed(4),
      speed: done === 0 ? '-' : ((1000 * done) / elapsed).toFixed(0),
      left: done === 0 ? '-' : seconds(((total - done) * elapsed) / done),
    };
  };
  if (terminal) bar.start(total, 0, state());
  return {
    advance(samples, loss) {
      done += samples;
      mean = mean === null ? loss : mean + NEWEST * (loss - mean);
      if (terminal) bar.update(done, state());
    },
    endEpoch(epoch) {
      if (terminal) return;
      const { loss, speed, left } = state();
      console.log(
        `${title.padEnd(TITLE_WIDTH)} epoch ${epoch + 1}/${epochs} loss ${loss}, ${speed} samples/s, ${left} left`,
      );
    },
    stop() {
      if (terminal) bar.stop();
    },
  };
}

/** Shows how much of the calibration data is done. */
export function showCalibration(title: string, total: number): { update(done: number): void; stop(): void } {
  const terminal = process.stdout.isTTY === true;
  const bar = new SingleBar({
    format: `${title.padEnd(TITLE_WIDTH)} {bar} {percentage}% {value}/{total} images, {eta} s left`,
    stream: process.stdout,
    barsize: BAR_WIDTH,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
  });
  if (terminal) bar.start(total, 0);
  return {
    update(done) {
      if (terminal) bar.update(done);
    },
    stop() {
      if (terminal) bar.stop();
      else console.log(`${title.padEnd(TITLE_WIDTH)} ${total} images`);
    },
  };
}
