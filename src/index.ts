/** QuantGrad: quantization-aware training in TypeScript. Everything that users need is exported here. */
import './ops/methods.js';

export * from './autograd/index.js';
export * from './checkpoint/index.js';
export * as data from './data/index.js';
export * from './errors.js';
export { compile } from './graph/compile.js';
export { type ModelFiles, readModel, type SaveModelOptions, saveModel, serializeModel } from './ir/index.js';
export type { DType, TypedArray } from './kernels/dtype.js';
export { getThreads, setThreads } from './kernels/wasm/threads/count.js';
export * as nn from './nn/index.js';
export * as functional from './ops/functional.js';
export * as optim from './optim/index.js';
export * from './quant/index.js';
export { InferenceSession } from './runtime/index.js';
export {
  defaultBackend,
  type EngineInfo,
  type InitOptions,
  info,
  init,
  type NumericMode,
  type SimdBits,
  withBackend,
} from './tensor/backend.js';
export {
  arange,
  type CreateOptions,
  full,
  ones,
  type RandomOptions,
  rand,
  randint,
  randn,
  tensor,
  zeros,
} from './tensor/create.js';
export { defaultGenerator, Generator, type GeneratorState, manualSeed } from './tensor/random.js';
export { DYNAMIC, type Shape } from './tensor/shape.js';
export { type NestedArray, Tensor } from './tensor/tensor.js';
