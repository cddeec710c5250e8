/** Optimizers, learning-rate schedules and gradient clipping. */
export { Adam, type AdamOptions, AdamW } from './adam.js';
export { type ClipGradNormOptions, clipGradNorm, clipGradValue } from './clip.js';
export { Optimizer } from './optimizer.js';
export type { OptimizerState, SavedGroup } from './optimizerState.js';
export type { OptimizerOptions, ParameterGroup, ParameterGroupInput, ParametersInput } from './parameterGroup.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './schedulers/cosineAnnealingLR.js';
export { ExponentialLR, type ExponentialLROptions } from './schedulers/exponentialLR.js';
export { LambdaLR, type LambdaLROptions, type RateFactor } from './schedulers/lambdaLR.js';
export { LinearLR, type LinearLROptions } from './schedulers/linearLR.js';
export { MultiStepLR, type MultiStepLROptions } from './schedulers/multiStepLR.js';
export { OneCycleLR, type OneCycleLROptions } from './schedulers/oneCycleLR.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './schedulers/reduceLROnPlateau.js';
export { LRScheduler, type SchedulerState } from './schedulers/scheduler.js';
export { SequentialLR, type SequentialLROptions } from './schedulers/sequentialLR.js';
export { StepLR, type StepLROptions } from './schedulers/stepLR.js';
export { SGD, type SGDOptions } from './sgd.js';
