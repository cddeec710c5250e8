/** What one whole training is, for Node and for the page. */
import type { QuantizeSettings, TrainOptions } from '../../../web/protocol.js';

export interface Plan {
  readonly seed: number;
  readonly float: TrainOptions;
  readonly quantize: QuantizeSettings;
  readonly fineTune: TrainOptions;
}

export const PLAN: Plan = {
  seed: 5,
  float: { epochs: 5, learningRate: 3e-3, batchSize: 64 },
  quantize: { bits: 8, preset: 'performance' },
  fineTune: { epochs: 2, learningRate: 1e-4, batchSize: 64 },
};
