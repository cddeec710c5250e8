/**
 * Running models from files. Complete in itself, for programs that do nothing else: a bundle of it has no part of training,
 * and a model that it reads is not trained. What is here is the same as in the package's main entry.
 */
export * from '../errors.js';
export type { ModelSource } from '../ir/graphReader.js';
export type { DType, TypedArray } from '../kernels/dtype.js';
export { getThreads, setThreads } from '../kernels/wasm/threads/count.js';
export { type EngineInfo, type InitOptions, info, init } from '../tensor/backend.js';
export { type CreateOptions, tensor } from '../tensor/create.js';
export { DYNAMIC, type Shape } from '../tensor/shape.js';
export { type NestedArray, Tensor } from '../tensor/tensor.js';
export { InferenceSession } from './inferenceSession.js';
