/** The fully-connected layer. */

import { linear } from '../../ops/neural/linear.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import type { Parameter } from '../parameter.js';
import { checkCount } from './checks.js';
import { emptyParameter, resetWeightAndBias } from './weights.js';

export interface LinearOptions {
  /** Whether to add a trained offset to each output. Default: true. */
  bias?: boolean;
}

/** x [..., inFeatures] to [..., outFeatures]: x times the transposed weight, plus the bias. */
export class Linear extends Module {
  /** [outFeatures, inFeatures]. */
  readonly weight: Parameter;
  /** [outFeatures]. */
  readonly bias: Parameter | null;
  readonly inFeatures: number;
  readonly outFeatures: number;

  /** @throws ValidationError for sizes below 1, and for unknown options. */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkOptions('Linear', options, ['bias']);
    this.inFeatures = checkCount('Linear', 'inFeatures', inFeatures);
    this.outFeatures = checkCount('Linear', 'outFeatures', outFeatures);
    this.weight = emptyParameter([outFeatures, inFeatures]);
    this.bias = (options.bias ?? true) ? emptyParameter([outFeatures]) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
