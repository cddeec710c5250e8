/** Every layer. */
export * from './activations.js';
export { AdaptiveAvgPool2d } from './adaptiveAvgPool2d.js';
export { AvgPool2d } from './avgPool2d.js';
export { BatchNorm1d, BatchNorm2d, type BatchNormOptions } from './batchNorm.js';
export { Conv2d, type Conv2dOptions } from './conv2d.js';
export { ConvTranspose2d, type ConvTranspose2dOptions } from './convTranspose2d.js';
export { Dropout } from './dropout.js';
export { Embedding } from './embedding.js';
export { Flatten } from './flatten.js';
export { Identity } from './identity.js';
export { LayerNorm, type LayerNormOptions } from './layerNorm.js';
export { Linear, type LinearOptions } from './linear.js';
export * from './losses.js';
export { MaxPool2d } from './maxPool2d.js';
export { MultiheadAttention, type MultiheadAttentionOptions } from './multiheadAttention.js';
export { StochasticDepth } from './stochasticDepth.js';
export { Upsample } from './upsample.js';
