/** Reverse-mode automatic differentiation. */

export { type BackwardContext, type CustomFunction, customFunction, type ForwardContext } from './function.js';
export { enableGrad, isGradEnabled, noGrad } from './gradMode.js';
export { type BackwardOptions, backward } from './tape.js';
