/** The WebAssembly kernels there are; the others run as reference kernels. */
import type { WasmKernels } from '../kernel.js';
import { adaptiveAvgPool2d, adaptiveAvgPool2dGradient, avgPool2d, avgPool2dGradient } from './averagePool.js';
import { batchNorm, batchNormGradient, batchNormStatistics } from './batchNorm.js';
import { conv2d } from './conv2d.js';
import { conv2dFilterGradient } from './conv2dFilterGradient.js';
import { conv2dInputGradient } from './conv2dInputGradient.js';
import { gather, gatherGradient } from './gather.js';
import { gatherElements, gatherElementsGradient } from './gatherElements.js';
import { concat, pad, padGradient, slice, sliceGradient } from './layout.js';
import { matMul } from './matMul.js';
import { maxPool2d, maxPool2dGradient } from './maxPool.js';
import { mvn, mvnGradient } from './mvn.js';
import { adamUpdate, rmspropUpdate, sgdUpdate } from './optimizer.js';
import { reduce } from './reduction.js';
import { rowKernel } from './rowKernel.js';
import { logSoftmax, softmax } from './softmax.js';
import { transpose } from './transpose.js';

const channelSums = rowKernel('reduce');

export const WASM_KERNELS: WasmKernels = {
  unary: rowKernel('unary'),
  binary: rowKernel('binary'),
  clamp: rowKernel('clamp'),
  elu: rowKernel('elu'),
  select: rowKernel('select'),
  convert: rowKernel('convert'),
  broadcast: rowKernel('broadcast'),
  fakeQuantize: rowKernel('fakeQuantize'),
  fakeQuantizeCodes: rowKernel('fakeQuantizeCodes'),
  fakeQuantizeGradient: rowKernel('fakeQuantizeGradient'),
  fakeQuantizeOpenvino: rowKernel('fakeQuantizeOpenvino'),
  batchNormInference: rowKernel('batchNormInference'),
  reduce: (inputs, attributes, outputs) =>
    channelSums(inputs, attributes, outputs) ?? reduce(inputs, attributes, outputs),
  ...{ batchNorm, batchNormStatistics, batchNormGradient, mvn, mvnGradient, softmax, logSoftmax },
  ...{ sgdUpdate, adamUpdate, rmspropUpdate },
  ...{ transpose, concat, slice, sliceGradient, pad, padGradient, gather, gatherGradient },
  ...{ gatherElements, gatherElementsGradient },
  ...{ matMul, conv2d, conv2dInputGradient, conv2dFilterGradient },
  ...{ maxPool2d, maxPool2dGradient, avgPool2d, avgPool2dGradient, adaptiveAvgPool2d, adaptiveAvgPool2dGradient },
};
