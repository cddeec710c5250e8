/** The configuration spaces that the hardware tables are made of (NNCF: `common/hardware/qspaces.py`). */
import type { ConfigSpace } from './target.js';

const PER_TENSOR = [false];
const BOTH = [true, false];

const activations = (bits: number, perChannel: readonly boolean[]): ConfigSpace => ({
  ...{ bits, modes: ['symmetric', 'asymmetric'], perChannel, narrowRange: [false] },
});
const symmetricWeights = (bits: number, narrowRange: readonly boolean[]): ConfigSpace => ({
  ...{ bits, modes: ['symmetric'], perChannel: BOTH, narrowRange, signednessToForce: true },
});
const asymmetricWeights = (bits: number): ConfigSpace => ({
  ...{ bits, modes: ['asymmetric'], perChannel: BOTH, narrowRange: [false] },
});
const low = (bits: number, perChannel: readonly boolean[]): ConfigSpace => ({
  ...{ bits, modes: ['symmetric'], perChannel, narrowRange: [false] },
});

/** 8 before 16 bits: the widest that hardware is fast with comes first. */
const WIDTHS = [8, 16];

/** Activations, one range for a tensor. */
export const A8: readonly ConfigSpace[] = [activations(8, PER_TENSOR)];
export const A = WIDTHS.map((bits) => activations(bits, PER_TENSOR));
/** Activations, a range for each channel or one for the tensor. */
export const A_CHANNELS = WIDTHS.map((bits) => activations(bits, BOTH));
/** Weights; symmetric ones are narrow and signed. */
export const W = WIDTHS.flatMap((bits) => [symmetricWeights(bits, [true]), asymmetricWeights(bits)]);
/** Weights that are picked from, so that they may also be quantized as activations are. */
export const W_PICKED = WIDTHS.flatMap((bits) => [symmetricWeights(bits, BOTH), asymmetricWeights(bits)]);
export const FOUR_BITS_TENSOR = low(4, PER_TENSOR);
export const FOUR_BITS = low(4, BOTH);
export const TWO_BITS = low(2, BOTH);
