/**
 * Batch norm adaptation: the running statistics of batch normalisation follow data, and nothing else of the model
 * changes (NNCF's `batch_norm_adaptation`). For a model whose activations have shifted without training: after it was
 * quantized to few bits or pruned, or where the data comes from elsewhere than the training data.
 */
import { noGrad } from '../autograd/gradMode.js';
import { nextTurn } from '../data/eventLoop.js';
import { ValidationError } from '../errors.js';
import { GraphModule } from '../graph/graphModule.js';
import { BatchNorm1d, BatchNorm2d } from '../nn/index.js';
import type { Module } from '../nn/module.js';
import { BATCH_NORM_INFERENCE } from '../ops/neural/batchNorm.js';
import { checkOptions } from '../options.js';
import { type CalibrationSource, calibrationInputs } from './calibration.js';

export interface BatchNormAdaptationOptions {
  /** Number of items (batches, if the data comes in batches) to use at most. Default: all. */
  numIterations?: number;
  /** Called after each item with the number done. */
  onProgress?: (done: number) => void;
}

const isBatchNorm = (module: Module): boolean => module instanceof BatchNorm2d || module instanceof BatchNorm1d;

/**
 * Runs the model over `dataset` without gradients, with batch normalisation in training mode and everything else,
 * dropout included, in evaluation mode. Each item moves the running mean and variance by the layer's momentum. The
 * model's modes are then as before, also after an error. A model without batch normalisation stays as it is.
 * @param dataset A `CalibrationDataset`, or any iterable of what `forward` takes (a tensor, or an array of them).
 * @returns The model.
 * @throws ValidationError for data that is empty or not what `forward` takes, and for options that make no sense.
 */
export async function batchNormAdaptation<M extends Module>(
  model: M,
  dataset: CalibrationSource,
  options: BatchNormAdaptationOptions = {},
): Promise<M> {
  checkOptions('batchNormAdaptation', options, ['numIterations', 'onProgress']);
  const { numIterations = Infinity, onProgress } = options;
  if (numIterations !== Infinity && (!Number.isInteger(numIterations) || numIterations < 1)) {
    throw new ValidationError(
      'INVALID_OPTION',
      `batchNormAdaptation: numIterations must be a positive whole number, not ${numIterations}.`,
      { option: 'numIterations' },
    );
  }
  if (!hasBatchNorm(model)) return model;
  const restore = trainBatchNormOnly(model);
  try {
    let count = 0;
    for await (const inputs of calibrationInputs(dataset, numIterations)) {
      noGrad(() => model.forward(...inputs));
      count++;
      onProgress?.(count);
      // Memory of values that nothing uses any more comes back only between turns of the event loop.
      await nextTurn();
    }
    if (count === 0)
      throw new ValidationError('CALIBRATION_EMPTY', 'batchNormAdaptation: the data is empty. Give at least one item.');
  } finally {
    restore();
  }
  return model;
}

const hasBatchNorm = (model: Module): boolean =>
  model
    .modules()
    .some(
      (module) =>
        isBatchNorm(module) ||
        (module instanceof GraphModule &&
          module.graph.nodes.some(({ definition }) => definition === BATCH_NORM_INFERENCE)),
    );

/** @returns A function that gives every module the mode it had. */
function trainBatchNormOnly(model: Module): () => void {
  const modes = model.modules().map((module) => [module, module.training] as const);
  const graphs = model
    .modules()
    .filter((module) => module instanceof GraphModule)
    .map((module) => [module, module.trainingOperations] as const);
  for (const [module] of modes) module.training = isBatchNorm(module);
  for (const [module] of graphs) module.trainingOperations = ({ definition }) => definition === BATCH_NORM_INFERENCE;
  return () => {
    for (const [module, training] of modes) module.training = training;
    for (const [module, operations] of graphs) module.trainingOperations = operations;
  };
}
