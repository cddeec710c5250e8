/** All kernels that a loop over rows can do, alone or in a chain. */
import type { KernelName, TensorType } from '../../contract.js';
import { batchNormInference } from './batchNormInference.js';
import { channelSums } from './channelSums.js';
import { binary, broadcast, clamp, convert, elu, select, unary } from './elementwise.js';
import { fakeQuantize, fakeQuantizeCodes, fakeQuantizeOpenvino } from './fakeQuantize.js';
import { makesSums, type RowBody, type RowKernel, type RowKernels } from './rowBody.js';
import { rowDTypes } from './rows.js';

const kernels: { [K in KernelName]?: RowKernel<K> } = {
  ...{ unary, binary, clamp, elu, select, convert, broadcast, batchNormInference },
  ...{ fakeQuantize, fakeQuantizeCodes, fakeQuantizeOpenvino },
  reduce: channelSums,
};

export const addRowKernels = (added: RowKernels): void => void Object.assign(kernels, added);

/** A kernel call as far as it decides what a loop does. */
export interface RowCall {
  readonly kernel: KernelName;
  readonly inputs: readonly TensorType[];
  readonly attributes: unknown;
  readonly outputs: readonly TensorType[];
}

/** The description of a call; null where rows do not cover it. */
export function rowBodyOf({ kernel, inputs, attributes, outputs }: RowCall): RowBody | null {
  if (![...inputs, ...outputs].every(({ dtype }) => rowDTypes(dtype))) return null;
  return (kernels[kernel] as RowKernel<KernelName> | undefined)?.(inputs, attributes as never, outputs) ?? null;
}

/** Shape of the rows of a call. */
export const rowShapeOf = (body: RowBody, { outputs }: Pick<RowCall, 'outputs'>): readonly number[] =>
  makesSums(body) ? body.shape : outputs[0].shape;
