/**
 * The pass that normalises with given statistics: an elementwise kernel whose further operands are one value a channel.
 * All arithmetic is in float32, whether the slope is made once for a row or for each element, so that the results do
 * not depend on how the loop is cut or on what else is computed in it.
 */
import type { TensorType } from '../../contract.js';
import { f32x4, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { isFloat32 } from './loops.js';
import type { RowKernel } from './rowBody.js';
import type { LaneFunction } from './rows.js';
import { keep, splat } from './vectors.js';

/** The operands x, gamma, beta, mean and variance in shapes that broadcast to x [N, C, ..]. */
export function normalizedOperands({ shape, dtype }: TensorType): TensorType[] {
  const channel = { shape: shape.map((extent, axis) => (axis === 1 ? extent : 1)), dtype };
  return [{ shape, dtype }, channel, channel, channel, channel];
}

const slopeOf = (code: FunctionBuilder, gamma: V128, variance: V128, epsilon: number): V128 =>
  keep(code, f32x4.div(gamma, f32x4.sqrt(f32x4.add(variance, splat(code, epsilon)))));

/** What is done to four lanes of operands in that order. */
export const normalizeBody = (epsilon: number): Required<LaneFunction> => ({
  prepare: (code, [, gamma, , , variance]) => (gamma && variance ? [slopeOf(code, gamma, variance, epsilon)] : []),
  value: (code, [x, gamma, beta, mean, variance], prepared) => {
    const slope = prepared.length > 0 ? prepared[0] : slopeOf(code, gamma, variance, epsilon);
    return f32x4.add(f32x4.mul(f32x4.sub(x, mean), slope), beta);
  },
});

export const batchNormInference: RowKernel<'batchNormInference'> = (inputs, { epsilon }, [y]) =>
  isFloat32(...inputs)
    ? { key: `batchNormInference ${epsilon}`, operands: normalizedOperands(y), ...normalizeBody(epsilon) }
    : null;
