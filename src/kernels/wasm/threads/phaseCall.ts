/** One phase of a kernel call with all that is the same each time it runs. */
import type { TensorType } from '../../contract.js';
import { type KernelFunction, sizeOf, type WasmCall } from '../kernel.js';
import type { FunctionTable, ThreadedFunction } from './functionTable.js';

export interface PhaseCall {
  /** Of the kernel, for messages. */
  readonly key: string;
  readonly function: KernelFunction;
  /** The function as other threads know it. */
  readonly entry: ThreadedFunction;
  readonly units: number;
  readonly cost: number;
  /** How many arguments before the units are float parameters. */
  readonly scalars: number;
}

/** Elements of all operands. */
export const elementsOf = (operands: readonly TensorType[]): number =>
  operands.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/**
 * The phases of a call that have anything to do.
 * @param functions Of all phases.
 * @param elements Elements of all operands: the cost of a phase that states none.
 */
export function phaseCalls(
  call: WasmCall,
  functions: readonly KernelFunction[],
  table: FunctionTable,
  elements: number,
): PhaseCall[] {
  const { key, phases, scalars = [] } = call;
  const all = phases.map(({ units, cost = elements }, index) => ({
    key,
    function: functions[index],
    entry: table.entry(functions[index]),
    units,
    cost,
    scalars: scalars.length,
  }));
  return all.filter(({ units }) => units > 0);
}
