/**
 * The integer codes of weights. They come from the function that training's forward pass rounds with, so that
 * what is deployed is what was trained, ties included.
 */
import { noGrad } from '../autograd/gradMode.js';
import { UnsupportedError, ValidationError } from '../errors.js';
import type { TypedArray } from '../kernels/dtype.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Quantizer } from './quantizer.js';
import { channelIndex, type QuantizerGrid, quantizerGrid } from './quantizerGrid.js';

/** Quantized weights on the host: value = (code - zeroPoint) * scale. */
export interface WeightCodes {
  readonly codes: Int8Array | Uint8Array;
  /** Null: zero. */
  readonly zeroPoint: Uint8Array | null;
  readonly scale: Float32Array;
  /** How zero points and scales broadcast to the codes; [] for one for all. */
  readonly shape: Shape;
}

/**
 * int8 codes counted from the value zero; where a grid lies so far to one side that they do not fit, uint8
 * codes counted from its lower end, with a zero point.
 * @throws ValidationError `NON_FINITE_WEIGHTS`, `QUANTIZER_RANGE`.
 */
export async function weightCodes(quantizer: Quantizer, weights: Tensor): Promise<WeightCodes> {
  const grid = await quantizerGrid(quantizer);
  const [values, codes] = await Promise.all([weights.data(), noGrad(() => quantizer.quantize(weights)).data()]);
  checkFinite(quantizer, values);
  // One float32 division per channel, the inverse of the one that the forward pass multiplies and divides by.
  const scale = grid.inverseStep.map((value) => 1 / value);
  const { shape } = grid;
  if (codes.every((code) => code >= -128 && code <= 127))
    return { codes: Int8Array.from(codes), zeroPoint: null, scale, shape };
  const zeroPoint = zeroPoints(grid);
  const channelOf = channelIndex(weights.shape, grid);
  const shifted = Uint8Array.from(codes, (code, index) => checkCode(quantizer, code + zeroPoint[channelOf(index)]));
  return { codes: shifted, zeroPoint, scale, shape };
}

/** Codes of the value zero, counted from the lower end: z of the forward pass. Grids hold zero exactly, so there is no tie. */
const zeroPoints = ({ low, inverseStep }: QuantizerGrid): Uint8Array =>
  Uint8Array.from(low, (value, index) => Math.round(-value * inverseStep[index]));

function checkCode(quantizer: Quantizer, code: number): number {
  if (code >= 0 && code <= 255) return code;
  throw new UnsupportedError(
    'CODE_RANGE',
    `The weights of quantizer '${quantizer.name}' have the code ${code}, which does not fit 8 bits. Quantize with at most 8 bits.`,
    { quantizer: quantizer.name, code },
  );
}

/** @throws ValidationError `NON_FINITE_WEIGHTS` */
export function checkFinite(quantizer: Quantizer, values: TypedArray): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new ValidationError(
    'NON_FINITE_WEIGHTS',
    `The weights of '${quantizer.target.node}' hold ${values[index]} (element ${index}), which has no integer code. ` +
      'Training has diverged: use an earlier checkpoint or a lower learning rate.',
    { node: quantizer.target.node },
  );
}
