/** Cross entropy between logits and classes, or probabilities of classes. */
import { ValidationError } from '../../errors.js';
import { isFloating } from '../../kernels/dtype.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/add.js';
import { divide } from '../elementwise/divide.js';
import { multiply } from '../elementwise/multiply.js';
import { negative } from '../elementwise/negative.js';
import { sum } from '../movement/broadcast.js';
import { reshape } from '../movement/reshape.js';
import { logSoftmax } from '../neural/logSoftmax.js';
import { checkWeight, classAxis, classTargets, type NllLossOptions, nllOfTargets, reduceTargets } from './nllLoss.js';
import { checkReduction, requireSameShape } from './reduction.js';

export interface CrossEntropyOptions extends NllLossOptions {
  /** Share of the target that is spread evenly over all classes, 0 to 1. Default: 0. */
  labelSmoothing?: number;
}

/**
 * Cross entropy. PyTorch's `cross_entropy`.
 * @param logits [N, C, ...] or [C], before softmax.
 * @param target Classes (whole numbers of shape [N, ...] or []), or probabilities of the shape of `logits`.
 * @returns A scalar; with reduction `none` the loss of each target.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions('crossEntropy', options, ['weight', 'ignoreIndex', 'reduction', 'labelSmoothing']);
  const { labelSmoothing = 0, reduction = 'mean' } = options;
  checkReduction('crossEntropy', reduction);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ValidationError(
      'LABEL_SMOOTHING',
      `crossEntropy: labelSmoothing is ${labelSmoothing}; it must be from 0 to 1.`,
      { labelSmoothing },
    );
  }
  return isFloating(target.dtype) ? ofProbabilities(logits, target, options) : ofClasses(logits, target, options);
}

/** Puts the class weights [C] along the class axis. */
const alongClasses = (weight: Tensor, logits: Tensor): Tensor =>
  reshape(
    weight,
    logits.shape.map((_, axis) => (axis === classAxis(logits) ? weight.shape[0] : 1)),
  );

function ofClasses(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { labelSmoothing = 0, reduction = 'mean', weight } = options;
  const targets = classTargets('crossEntropy', logits, target, options);
  const axis = classAxis(logits);
  const logProbabilities = logSoftmax(logits, axis);
  const losses = nllOfTargets(logProbabilities, targets);
  if (labelSmoothing === 0) return reduceTargets(losses, targets.weights, reduction);
  // The even share of the target: every class, with its own weight.
  const weighted = weight ? multiply(logProbabilities, alongClasses(weight, logits)) : logProbabilities;
  const even = multiply(negative(sum(weighted, axis)), targets.counts);
  const smoothed = add(multiply(losses, 1 - labelSmoothing), multiply(even, labelSmoothing / logits.shape[axis]));
  return reduceTargets(smoothed, targets.weights, reduction);
}

function ofProbabilities(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { labelSmoothing = 0, reduction = 'mean', weight } = options;
  requireSameShape('crossEntropy with probabilities', logits, target);
  checkWeight('crossEntropy', logits, weight);
  const axis = classAxis(logits);
  const classes = logits.shape[axis];
  const probabilities =
    labelSmoothing === 0 ? target : add(multiply(target, 1 - labelSmoothing), labelSmoothing / classes);
  const terms = multiply(logSoftmax(logits, axis), probabilities);
  const losses = negative(sum(weight ? multiply(terms, alongClasses(weight, logits)) : terms, axis));
  if (reduction === 'none') return losses;
  // The mean is over targets, whatever the weights (as in PyTorch).
  return reduction === 'sum' ? sum(losses) : divide(sum(losses), logits.size / classes);
}
