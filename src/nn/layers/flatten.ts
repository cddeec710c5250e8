/** Flatten. */
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { checkCount } from './checks.js';

/** Joins the axes from `startAxis` to `endAxis` (inclusive; may count from the end): by default all but the batch. */
export class Flatten extends Module {
  readonly startAxis: number;
  readonly endAxis: number;

  constructor(startAxis = 1, endAxis = -1) {
    super();
    this.startAxis = checkCount('Flatten', 'startAxis', startAxis, Number.MIN_SAFE_INTEGER);
    this.endAxis = checkCount('Flatten', 'endAxis', endAxis, Number.MIN_SAFE_INTEGER);
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startAxis, this.endAxis);
  }
}
