/** The `nn` namespace: modules, layers, the Functional style, initialisers. */
export { Functional, type FunctionalInputs, type FunctionalOptions } from './functional.js';
export * as init from './init.js';
export type { ModelInput } from './inputs.js';
export * from './layers/index.js';
export * as models from './models/index.js';
export { type LoadStateDictOptions, type LoadStateDictResult, Module, type StateDict } from './module.js';
export { Buffer, Parameter } from './parameter.js';
export { type InputOptions, input } from './recording.js';
export { Sequential } from './sequential.js';
