/** Reverse-mode automatic differentiation. */
export { backward, type BackwardOptions } from './tape.js';
export { enableGrad, isGradEnabled, noGrad } from './gradMode.js';
export { type BackwardContext, customFunction, type CustomFunction, type ForwardContext } from './function.js';
