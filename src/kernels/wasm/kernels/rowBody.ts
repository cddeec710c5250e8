/**
 * The one description of an elementwise kernel: what it prepares for a row and does to four lanes. Loops over one kernel
 * and over chains of kernels are made of it alike.
 */
import type { KernelAttributes, KernelName, TensorType } from '../../contract.js';
import type { V128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import type { Cut } from './rowPlan.js';
import type { LaneFunction } from './rows.js';

interface Body {
  /** Bodies with the same key that read the same values give the same values. */
  readonly key: string;
  /** The operands as they broadcast to the rows, where that is not their own shape. */
  readonly operands?: readonly TensorType[];
}

/** A kernel with one output, elementwise. Bools are masks, of its operands and of what it gives. */
export interface MapBody extends Body, LaneFunction {}

/** A sum over all elements, or apart for each channel of the cut. */
export interface SumOutput {
  readonly perChannel: boolean;
}

/** A kernel some of whose outputs are sums over its elements. */
export interface SumBody extends Body {
  readonly prepare?: LaneFunction['prepare'];
  /** Shape of the rows. */
  readonly shape: readonly number[];
  readonly cut: Cut;
  /** Outputs in order; null: the elementwise one. */
  readonly outputs: readonly (SumOutput | null)[];
  /** Four lanes: of the elementwise output if there is one, and, by output, what is added up, made when it is asked for. */
  readonly lanes: (
    code: FunctionBuilder,
    operands: readonly V128[],
    prepared: readonly V128[],
  ) => { readonly value: V128 | null; readonly terms: readonly ((() => V128) | null)[] };
}

export type RowBody = MapBody | SumBody;

export const makesSums = (body: RowBody): body is SumBody => 'lanes' in body;

/** Null where the kernel does not cover the case. */
export type RowKernel<K extends KernelName> = (
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
) => RowBody | null;

export type RowKernels = { readonly [K in KernelName]?: RowKernel<K> };
