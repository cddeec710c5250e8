/**
 * What a step of a program does, for profiles: its name, and how much work it is. Convolutions and matrix products are
 * measured in multiply-adds, everything else in bytes: its inputs read once and its outputs written once.
 */
import type { TensorType } from './contract.js';
import { bytesPerElement } from './dtype.js';
import { isKernelStep, isReadStep, type KernelStep, type ProgramStep } from './program.js';

/** What is known of a step before it runs. */
export interface StepDescription {
  /** The kernel; of steps that run as one, their kernels joined by '+'. */
  readonly name: string;
  /** What the step is for: names of the model's layers, joined by '+'; undefined for kernels that were called on their own. */
  readonly label?: string;
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  /**
   * Of convolutions and matrix products, counted as the definition has them, padding included; 0 for everything else. A
   * kernel that needs fewer, such as Winograd's, can thus exceed the limit of the machine.
   */
  readonly multiplyAdds: number;
  /** Of inputs and outputs, each once. */
  readonly bytes: number;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

const bytesOf = (operands: readonly TensorType[]): number =>
  operands.reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPerElement(dtype), 0);

/** Multiply-adds of a kernel call; 0 where it has none to speak of. */
function multiplyAddsOf({ kernel, inputs, attributes, outputs }: KernelCall): number {
  const [first, second] = inputs;
  switch (kernel) {
    case 'conv2d':
      return sizeOf(outputs[0].shape) * sizeOf(second.shape.slice(1));
    case 'conv2dInputGradient':
      return sizeOf(first.shape) * sizeOf(second.shape.slice(1));
    case 'conv2dFilterGradient':
      return sizeOf(second.shape) * sizeOf(outputs[0].shape.slice(1));
    case 'matMul': {
      const { transposeA } = attributes as KernelStep<'matMul'>['attributes'];
      return sizeOf(outputs[0].shape) * (first.shape.at(transposeA ? -2 : -1) as number);
    }
    default:
      return 0;
  }
}

/** A kernel call, whatever its operands are stored in. */
export interface KernelCall {
  readonly kernel: KernelStep['kernel'];
  readonly label?: string;
  readonly inputs: readonly TensorType[];
  readonly attributes: KernelStep['attributes'];
  readonly outputs: readonly TensorType[];
}

export function describeCall(call: KernelCall): StepDescription {
  return describeCalls([call], call.inputs, call.outputs);
}

/**
 * Calls that run as one.
 * @param inputs What they read that none of them makes.
 * @param outputs What of them others read.
 */
export function describeCalls(
  calls: readonly KernelCall[],
  inputs: readonly TensorType[],
  outputs: readonly TensorType[],
): StepDescription {
  const labels = [...new Set(calls.flatMap(({ label }) => label ?? []))];
  return {
    name: calls.map(({ kernel }) => kernel).join('+'),
    label: labels.length > 0 ? labels.join('+') : undefined,
    inputs: inputs.map(typeOf),
    outputs: outputs.map(typeOf),
    multiplyAdds: calls.reduce((sum, call) => sum + multiplyAddsOf(call), 0),
    bytes: bytesOf(inputs) + bytesOf(outputs),
  };
}

export function describeStep(step: ProgramStep): StepDescription {
  if (isKernelStep(step)) return describeCall(step);
  const reads = isReadStep(step);
  const { dtype, length } = reads ? step.input : step.output;
  const values = [{ shape: [length], dtype }];
  return {
    name: reads ? 'read' : 'generate',
    label: step.label,
    inputs: reads ? values : [],
    outputs: reads ? [] : values,
    multiplyAdds: 0,
    bytes: bytesOf(values),
  };
}

/** Without the storage that an operand may hold: a profile keeps no memory. */
const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });
