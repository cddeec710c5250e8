/**
 * The NPU table (NNCF: `common/hardware/setups/npu.py`): fewer bits, and one scale for the operands of elementwise
 * operations. At 8 bits NNCF takes the CPU's.
 */
import { CPU_TARGET, ELEMENTWISE } from './cpu.js';
import { A, A_CHANNELS, FOUR_BITS, FOUR_BITS_TENSOR, TWO_BITS, W } from './spaces.js';
import { forTypes, type TargetTable } from './target.js';

const A_FOUR = [...A, FOUR_BITS_TENSOR];
const CONVOLUTION = { activations: A_FOUR, weights: [...W, FOUR_BITS, FOUR_BITS_TENSOR] };

export const NPU_TARGET: TargetTable = {
  ...CPU_TARGET,
  name: 'npu',
  operations: {
    ...CPU_TARGET.operations,
    ...forTypes(CONVOLUTION, 'Convolution', 'ConvolutionBackpropData', 'GroupConvolutionBackpropData'),
    GroupConvolution: {
      ...CONVOLUTION,
      depthwise: { activations: A_CHANNELS, weights: [...W, FOUR_BITS, TWO_BITS] },
    },
    MatMul: { activations: A_FOUR, weights: [...W, FOUR_BITS, TWO_BITS] },
    ...forTypes({ activations: A, unifiedScales: true }, ...ELEMENTWISE),
    ...forTypes({ activations: A_FOUR, unifiedScales: true }, ...['Add', 'Multiply', 'Maximum', 'Minimum', 'Subtract']),
    Interpolate: { activations: [] },
  },
};
