/** Batch normalisation of images and of vectors. */
import { noGrad } from '../../autograd/gradMode.js';
import { ShapeError } from '../../errors.js';
import { add } from '../../ops/elementwise/add.js';
import { multiply } from '../../ops/elementwise/multiply.js';
import { reshape } from '../../ops/movement/reshape.js';
import { batchNorm } from '../../ops/neural/batchNorm.js';
import { mvn } from '../../ops/neural/mvn.js';
import { checkOptions } from '../../options.js';
import { ones, zeros } from '../../tensor/create.js';
import { formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ones_, zeros_ } from '../init.js';
import { Module } from '../module.js';
import { Buffer, Parameter } from '../parameter.js';
import { checkCount, checkNumber } from './checks.js';

export interface BatchNormOptions {
  /** Added to the variance. Default: 1e-5. */
  eps?: number;
  /** Share of the batch's statistics in the new running ones, 0 to 1. Default: 0.1. */
  momentum?: number;
  /** Whether scale and offset are trained. Default: true. */
  affine?: boolean;
  /** Whether running statistics are kept and used by `eval()`; without, every batch is normalised by its own. Default: true. */
  trackRunningStats?: boolean;
}

/**
 * What both kinds share. While training, it normalises with the mean and the (biased) variance of the batch
 * and updates the running ones, of which the variance is unbiased; after `eval()`, with the running ones.
 */
abstract class BatchNorm extends Module {
  /** Scale, [numFeatures]. */
  readonly weight: Parameter | null;
  /** Offset, [numFeatures]. */
  readonly bias: Parameter | null;
  /** [numFeatures]. */
  readonly runningMean: Buffer | null;
  /** [numFeatures]. */
  readonly runningVar: Buffer | null;
  /** Number of training batches seen, a scalar. For information: nothing depends on it. */
  readonly numBatchesTracked: Buffer | null;
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number;
  /** What stands for scale and offset without `affine`. */
  readonly #identity: readonly [Tensor, Tensor];

  /** @throws ValidationError for arguments that make no sense, and for unknown options. */
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super();
    const where = new.target.name;
    checkOptions(where, options, ['eps', 'momentum', 'affine', 'trackRunningStats']);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    this.numFeatures = checkCount(where, 'numFeatures', numFeatures);
    this.eps = checkNumber(where, 'eps', eps, 0);
    this.momentum = checkNumber(where, 'momentum', momentum, 0, 1);
    this.#identity = [ones([numFeatures]), zeros([numFeatures])];
    this.weight = affine ? new Parameter(this.#identity[0]) : null;
    this.bias = affine ? new Parameter(this.#identity[1]) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros([numFeatures])) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones([numFeatures])) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(zeros([], { dtype: 'int32' })) : null;
  }

  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight) ones_(this.weight);
    if (this.bias) zeros_(this.bias);
  }

  /** Forgets the running statistics. */
  resetRunningStats(): void {
    if (this.runningMean) zeros_(this.runningMean);
    if (this.runningVar) ones_(this.runningVar);
    this.numBatchesTracked?.assign_(zeros([], { dtype: 'int32', backend: this.numBatchesTracked.backend }));
  }

  override forward(x: Tensor): Tensor {
    this.checkRank(x);
    const weight = this.weight ?? this.#identity[0];
    const bias = this.bias ?? this.#identity[1];
    if (!this.runningMean || !this.runningVar) return this.#normalizeByBatch(x);
    const y = batchNorm(x, this.runningMean, this.runningVar, weight, bias, {
      training: this.training,
      momentum: this.momentum,
      epsilon: this.eps,
    });
    // A recorded graph has no counter: it would be a second output of the model.
    if (this.training && !x.isSymbolic) noGrad(() => this.numBatchesTracked?.assign_(add(this.numBatchesTracked, 1)));
    return y;
  }

  /** @throws ShapeError if x has another number of axes than the layer takes. */
  protected abstract checkRank(x: Tensor): void;

  #normalizeByBatch(x: Tensor): Tensor {
    if (x.shape[1] !== this.numFeatures) {
      throw new ShapeError(
        'CHANNEL_MISMATCH',
        `${this.constructor.name}: data of shape ${formatShape(x.shape)} has ${x.shape[1]} channels, but the layer has ${this.numFeatures}.`,
        { data: x.shape, numFeatures: this.numFeatures },
      );
    }
    const channels = [1, this.numFeatures, ...x.shape.slice(2).map(() => 1)];
    const otherAxes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const normalized = mvn(x, otherAxes, this.eps);
    const scaled = this.weight ? multiply(normalized, reshape(this.weight, channels)) : normalized;
    return this.bias ? add(scaled, reshape(this.bias, channels)) : scaled;
  }
}

/** Batch normalisation of images [N, numFeatures, H, W]. */
export class BatchNorm2d extends BatchNorm {
  protected override checkRank(x: Tensor): void {
    if (x.rank !== 4) throw rankError('BatchNorm2d takes images [N, C, H, W]', x);
  }
}

/** Batch normalisation of vectors [N, numFeatures] or sequences [N, numFeatures, L]. */
export class BatchNorm1d extends BatchNorm {
  protected override checkRank(x: Tensor): void {
    if (x.rank !== 2 && x.rank !== 3) throw rankError('BatchNorm1d takes vectors [N, C] or sequences [N, C, L]', x);
  }
}

const rankError = (what: string, x: Tensor): ShapeError =>
  new ShapeError('RANK_MISMATCH', `${what}, but the data has shape ${formatShape(x.shape)}.`, { data: x.shape });
