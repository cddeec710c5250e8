/** What the visitor's settings mean for a run. */
import type { Phase, TrainOptions } from '../../protocol.js';
import type { Settings } from './state.js';

const BATCH_SIZE = 64;
/** Of the learning rate of training, by bits: the coarser the grid, the more there is to be learned again. */
const FINE_TUNE_SHARE: Readonly<Record<number, number>> = { 2: 1 / 3, 3: 1 / 5, 4: 1 / 10, 5: 1 / 15 };
const FINE_TUNE_SHARE_ELSE = 1 / 30;
/** So that a thirtieth of 0.003 is 0.0001 and no number beside it. */
const DIGITS = 6;

/** @param bits Of the quantized network. */
export function trainOptions(phase: Phase, settings: Settings, bits: number): TrainOptions {
  const { epochs, fineTuneEpochs, learningRate } = settings;
  if (phase === 'float') return { epochs, learningRate, batchSize: BATCH_SIZE };
  const share = FINE_TUNE_SHARE[bits] ?? FINE_TUNE_SHARE_ELSE;
  return {
    epochs: fineTuneEpochs,
    learningRate: Number((learningRate * share).toPrecision(DIGITS)),
    batchSize: BATCH_SIZE,
  };
}
