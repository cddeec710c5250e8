/** Dropout. */
import { dropout } from '../../ops/neural/dropout.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { checkNumber } from './checks.js';

/** While training, zeroes each value with the given probability and multiplies the others by 1 / (1 - probability). */
export class Dropout extends Module {
  readonly probability: number;

  /** @param probability 0 to 1. Default: 0.5. */
  constructor(probability = 0.5) {
    super();
    this.probability = checkNumber('Dropout', 'probability', probability, 0, 1);
  }

  override forward(x: Tensor): Tensor {
    return dropout(x, this.probability, { training: this.training });
  }
}
