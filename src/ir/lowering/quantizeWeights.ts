/** The integer codes of weights, as constants of a file. */
import type { Quantizer } from '../../quant/quantizer.js';
import { weightCodes } from '../../quant/weightCodes.js';
import type { Tensor } from '../../tensor/tensor.js';
import { hostTensor } from '../hostTensor.js';
import type { QuantizedWeights } from './dequantization.js';

/** @throws ValidationError `NON_FINITE_WEIGHTS`, `QUANTIZER_RANGE`. */
export async function quantizeWeights(quantizer: Quantizer, weights: Tensor): Promise<QuantizedWeights> {
  const { codes, zeroPoint, scale, shape } = await weightCodes(quantizer, weights);
  return {
    codes: hostTensor(codes, weights.shape, codes instanceof Int8Array ? 'int8' : 'uint8'),
    zeroPoint: zeroPoint && hostTensor(zeroPoint, shape, 'uint8'),
    scale: hostTensor(scale, shape),
  };
}
