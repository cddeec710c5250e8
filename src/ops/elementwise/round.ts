/** Round: to the nearest whole number, halves to the even one. */
import { UnsupportedError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { NO_ATTRIBUTES } from '../checks.js';
import { applyUnary, defineUnary, zeroGradient } from './unary.js';

export const ROUND = defineUnary({
  type: 'Round',
  function: 'round',
  saves: 'nothing',
  quantization: { trait: 'inputsQuantizable' },
  openvino: {
    opset: () => 'opset5',
    data: () => ({ mode: 'half_to_even' }),
    parse(data) {
      const mode = data.string('mode', 'half_to_even').toLowerCase();
      if (mode !== 'half_to_even') {
        throw new UnsupportedError('ROUND_MODE', `Round: mode '${mode}' is not supported; only half_to_even is.`, {
          mode,
        });
      }
      return NO_ATTRIBUTES;
    },
  },
});

/** The nearest whole number, halves to the even one. The gradient is zero. */
export const round = (x: Tensor): Tensor => applyUnary(ROUND, x, zeroGradient);
