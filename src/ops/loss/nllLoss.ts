/** Negative log-likelihood of the true classes; the core of cross entropy. */
import { DTypeError, ShapeError, ValidationError } from '../../errors.js';
import { isFloating } from '../../kernels/dtype.js';
import { checkOptions } from '../../options.js';
import { DYNAMIC, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from '../elementwise/convert.js';
import { divide } from '../elementwise/divide.js';
import { multiply } from '../elementwise/multiply.js';
import { negative } from '../elementwise/negative.js';
import { notEqual } from '../elementwise/notEqual.js';
import { where } from '../elementwise/select.js';
import { sum } from '../movement/broadcast.js';
import { gather } from '../movement/gather.js';
import { gatherElements } from '../movement/gatherElements.js';
import { reshape } from '../movement/reshape.js';
import { checkReduction, type LossReduction } from './reduction.js';

/** Class that marks targets which do not count. */
export const IGNORE_INDEX = -100;

export interface NllLossOptions {
  /** Weight of each class, [C]. Default: all 1. */
  weight?: Tensor | null;
  /** Targets of this class do not count. Default: -100. */
  ignoreIndex?: number;
  /** `mean` divides by the sum of the weights of the targets that count. Default: `mean`. */
  reduction?: LossReduction;
}

/** The axis that holds the classes: 1, or 0 without a batch. */
export const classAxis = (logits: Tensor): number => (logits.rank === 1 ? 0 : 1);

export function checkWeight(name: string, logits: Tensor, weight: Tensor | null | undefined): void {
  const classes = logits.shape[classAxis(logits)];
  if (weight && (weight.rank !== 1 || weight.shape[0] !== classes)) {
    throw new ShapeError(
      'CLASS_WEIGHTS',
      `${name}: the weights of shape ${formatShape(weight.shape)} do not fit ${classes} classes; they must be [${classes}].`,
      {
        weight: weight.shape,
        classes,
      },
    );
  }
}

const withoutAxis = (shape: Shape, axis: number): number[] => shape.filter((_, index) => index !== axis);

function checkTargets(name: string, input: Tensor, target: Tensor, ignoreIndex: number): void {
  if (input.rank === 0 || !isFloating(input.dtype)) {
    throw new ShapeError(
      'LOSS_INPUT',
      `${name} needs floating-point scores [N, C, ...], but got ${input.dtype} of shape ${formatShape(input.shape)}.`,
    );
  }
  if (isFloating(target.dtype) || target.dtype === 'bool') {
    throw new DTypeError(
      'TARGET_DTYPE',
      `${name}: class targets must be whole numbers, but they are ${target.dtype}. Convert with .cast('int32').`,
    );
  }
  const expected = withoutAxis(input.shape, classAxis(input));
  const fits =
    target.rank === expected.length &&
    expected.every(
      (extent, axis) => extent === target.shape[axis] || extent === DYNAMIC || target.shape[axis] === DYNAMIC,
    );
  if (!fits) {
    throw new ShapeError(
      'LOSS_SHAPE',
      `${name}: scores of shape ${formatShape(input.shape)} need class targets of shape ${formatShape(expected)}, but they have ${formatShape(target.shape)}.`,
      {
        input: input.shape,
        target: target.shape,
      },
    );
  }
  // Where values can be read without waiting, a label that names no class is found here and not as a wrong loss.
  if (target.isSymbolic || !target.backend.synchronous) return;
  const classes = input.shape[classAxis(input)];
  const labels = target.backend.readSync(target.storage);
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index];
    if ((label < 0 || label >= classes) && label !== ignoreIndex) {
      throw new ValidationError(
        'CLASS_OUT_OF_RANGE',
        `${name}: target ${index} is class ${label}, but there are ${classes} classes (0 to ${classes - 1}; ${ignoreIndex} is ignored).`,
        {
          index,
          label,
          classes,
        },
      );
    }
  }
}

/** Class targets ready for use: those that do not count name class 0 with weight 0. */
export interface ClassTargets {
  /** [N, ...], int32. */
  readonly labels: Tensor;
  /** [N, ...]: whether each counts, 1 or 0 in the dtype of the input. */
  readonly counts: Tensor;
  /** [N, ...]: weight of each, 0 where it does not count. */
  readonly weights: Tensor;
}

export function classTargets(
  name: string,
  input: Tensor,
  target: Tensor,
  options: Pick<NllLossOptions, 'weight' | 'ignoreIndex'>,
): ClassTargets {
  const { weight, ignoreIndex = IGNORE_INDEX } = options;
  checkTargets(name, input, target, ignoreIndex);
  checkWeight(name, input, weight);
  const labels = cast(target, 'int32');
  const counted = notEqual(labels, ignoreIndex);
  const counts = cast(counted, input.dtype);
  const known = where(counted, labels, 0);
  return { labels: known, counts, weights: weight ? multiply(gather(weight, known, 0), counts) : counts };
}

/** -weight * log-probability of the class of each target, [N, ...]. */
export function nllOfTargets(logProbabilities: Tensor, { labels, weights }: ClassTargets): Tensor {
  const axis = classAxis(logProbabilities);
  const index = reshape(
    labels,
    logProbabilities.shape.map((extent, each) => (each === axis ? 1 : extent)),
  );
  const picked = gatherElements(logProbabilities, index, axis);
  return multiply(negative(reshape(picked, labels.shape)), weights);
}

/** Losses of targets as one number; `mean` is over the weights of those that count. */
export const reduceTargets = (losses: Tensor, weights: Tensor, reduction: LossReduction): Tensor =>
  reduction === 'none' ? losses : reduction === 'sum' ? sum(losses) : divide(sum(losses), sum(weights));

/**
 * Negative log-likelihood. PyTorch's `nll_loss`.
 * @param logProbabilities [N, C, ...] or [C], such as from `logSoftmax`.
 * @param target Classes, whole numbers of shape [N, ...] or [].
 */
export function nllLoss(logProbabilities: Tensor, target: Tensor, options: NllLossOptions = {}): Tensor {
  checkOptions('nllLoss', options, ['weight', 'ignoreIndex', 'reduction']);
  const { reduction = 'mean' } = options;
  checkReduction('nllLoss', reduction);
  const targets = classTargets('nllLoss', logProbabilities, target, options);
  return reduceTargets(nllOfTargets(logProbabilities, targets), targets.weights, reduction);
}
