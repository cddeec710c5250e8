/**
 * The WebAssembly kernels that there are: those that running models needs, and those that were added. The others run as
 * reference kernels.
 */
import type { KernelName } from '../../contract.js';
import type { WasmKernel, WasmKernels } from '../kernel.js';
import { adaptiveAvgPool2d, avgPool2d } from './averagePool.js';
import { conv2d } from './conv2d.js';
import { conv2dInputGradient } from './conv2dInputGradient.js';
import { gather, gatherGradient } from './gather.js';
import { gatherElements, gatherElementsGradient } from './gatherElements.js';
import { concat, pad, padGradient, slice, sliceGradient } from './layout.js';
import { matMul } from './matMul.js';
import { maxPool2d } from './maxPool.js';
import { mvn } from './mvn.js';
import { reduce } from './reduction.js';
import { rowKernel } from './rowKernel.js';
import { logSoftmax, softmax } from './softmax.js';
import { transpose } from './transpose.js';

const channelSums = rowKernel('reduce');

const kernels: { [K in KernelName]?: WasmKernel<K> } = {
  unary: rowKernel('unary'),
  binary: rowKernel('binary'),
  clamp: rowKernel('clamp'),
  elu: rowKernel('elu'),
  select: rowKernel('select'),
  convert: rowKernel('convert'),
  broadcast: rowKernel('broadcast'),
  fakeQuantize: rowKernel('fakeQuantize'),
  fakeQuantizeCodes: rowKernel('fakeQuantizeCodes'),
  fakeQuantizeOpenvino: rowKernel('fakeQuantizeOpenvino'),
  batchNormInference: rowKernel('batchNormInference'),
  reduce: (inputs, attributes, outputs) =>
    channelSums(inputs, attributes, outputs) ?? reduce(inputs, attributes, outputs),
  ...{ mvn, softmax, logSoftmax },
  ...{ transpose, concat, slice, sliceGradient, pad, padGradient, gather, gatherGradient },
  ...{ gatherElements, gatherElementsGradient },
  ...{ matMul, conv2d, conv2dInputGradient },
  ...{ maxPool2d, avgPool2d, adaptiveAvgPool2d },
};

/** WebAssembly kernels by name. */
export const WASM_KERNELS: WasmKernels = kernels;

let generation = 0;

/** Grows when kernels are added, so that a backend notices those that came after its check of the engine. */
export const kernelGeneration = (): number => generation;

export function addWasmKernels(added: WasmKernels): void {
  Object.assign(kernels, added);
  generation++;
}
