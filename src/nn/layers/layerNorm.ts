/** Layer normalisation. */

import { layerNorm } from '../../ops/neural/mvn.js';
import { checkOptions } from '../../options.js';
import { ones, zeros } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ones_, zeros_ } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { checkCount, checkNumber } from './checks.js';

export interface LayerNormOptions {
  /** Added to the variance. Default: 1e-5. */
  eps?: number;
  /** Whether scale and offset are trained. Default: true. */
  elementwiseAffine?: boolean;
  /** Whether there is an offset. Default: as elementwiseAffine. */
  bias?: boolean;
}

/** Normalises x [..., ...normalizedShape] over its last axes, for each of the leading ones by itself. */
export class LayerNorm extends Module {
  /** Scale, of the normalized shape. */
  readonly weight: Parameter | null;
  /** Offset, of the normalized shape. */
  readonly bias: Parameter | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number;

  /** @throws ValidationError for arguments that make no sense, and for unknown options. */
  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    checkOptions('LayerNorm', options, ['eps', 'elementwiseAffine', 'bias']);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    const shape = Array.isArray(normalizedShape) ? [...normalizedShape] : [normalizedShape];
    checkCount('LayerNorm', 'the number of axes in normalizedShape', shape.length);
    for (const extent of shape) checkCount('LayerNorm', 'normalizedShape', extent);
    this.normalizedShape = shape;
    this.eps = checkNumber('LayerNorm', 'eps', eps, 0);
    this.weight = elementwiseAffine ? new Parameter(ones(shape)) : null;
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(shape)) : null;
  }

  resetParameters(): void {
    if (this.weight) ones_(this.weight);
    if (this.bias) zeros_(this.bias);
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps);
  }
}
