/** Stochastic depth. */
import { dropout } from '../../ops/neural/dropout.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { checkNumber } from './checks.js';

/**
 * While training, zeroes whole samples (Huang et al., 2016) with the given probability and multiplies the others by
 * 1 / (1 - probability). In front of a residual sum it skips the block for these samples.
 */
export class StochasticDepth extends Module {
  readonly probability: number;

  /** @param probability 0 to 1. */
  constructor(probability: number) {
    super();
    this.probability = checkNumber('StochasticDepth', 'probability', probability, 0, 1);
  }

  override forward(x: Tensor): Tensor {
    return dropout(x, this.probability, { training: this.training, perSample: true });
  }
}
