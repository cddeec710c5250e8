/** Steps of a part as the backend runs them: kernel calls, code of the host, and kernel calls that run as one. */
import {
  inputsOf,
  isKernelStep,
  type KernelStep,
  outputsOf,
  type ProgramBuffer,
  type ProgramOperand,
  type ProgramStep,
} from '../../program.js';
import { describeCalls, describeStep, type StepDescription } from '../../stepWork.js';
import type { WasmCall } from '../kernel.js';

/** Kernel calls that run as one: a chain of elementwise ones, or a convolution and the chain that follows it. */
export interface FusedStep {
  /** In an order in which they can run. */
  readonly steps: readonly KernelStep[];
  /** What they read that none of them makes. */
  readonly inputs: readonly ProgramOperand[];
  /** What of them others read. */
  readonly outputs: readonly ProgramOperand[];
  /** Whether each element is read before it is written, so that an output may take the place of an operand that dies. */
  readonly inPlace: boolean;
  readonly call: WasmCall;
}

export type PartStep = ProgramStep | FusedStep;

export const isFused = (step: PartStep): step is FusedStep => 'steps' in step;

export const buffersRead = (step: PartStep): readonly ProgramBuffer[] =>
  isFused(step) ? step.inputs.map(({ buffer }) => buffer) : inputsOf(step);

export const buffersWritten = (step: PartStep): readonly ProgramBuffer[] =>
  isFused(step) ? step.outputs.map(({ buffer }) => buffer) : outputsOf(step);

/** Inputs and outputs with their shapes; none of a step of the host. */
export const operandsOf = (step: PartStep): readonly ProgramOperand[] =>
  isFused(step) || isKernelStep(step) ? [...step.inputs, ...step.outputs] : [];

/** What profiles show of a step. */
export const describePartStep = (step: PartStep): StepDescription =>
  isFused(step) ? describeCalls(step.steps, step.inputs, step.outputs) : describeStep(step);
