/** Steps of a part as the backend runs them: kernel calls, code of the host, and chains of kernel calls that are one loop. */
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

/** Elementwise kernel calls that run as one. */
export interface FusedStep {
  /** In an order in which they can run. */
  readonly steps: readonly KernelStep[];
  /** What they read that none of them makes. */
  readonly inputs: readonly ProgramOperand[];
  /** What of them others read. */
  readonly outputs: readonly ProgramOperand[];
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
