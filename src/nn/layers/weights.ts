/** The initial values that linear and convolution layers share: uniform in +-1 / sqrt(fan-in), for weight and bias. */
import { zeros } from '../../tensor/create.js';
import type { Shape } from '../../tensor/shape.js';
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from '../init.js';
import { Parameter } from '../parameter.js';

/** A parameter that is still to be initialised. */
export const emptyParameter = (shape: Shape): Parameter => new Parameter(zeros(shape));

/** PyTorch's defaults: Kaiming with a = sqrt(5), whose bound comes out as 1 / sqrt(fan-in), and the same for the bias. */
export function resetWeightAndBias(weight: Parameter, bias: Parameter | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
  const { fanIn } = calculateFanInAndFanOut(weight);
  if (bias) uniform_(bias, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn));
}
