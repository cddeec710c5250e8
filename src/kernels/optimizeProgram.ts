/**
 * Makes recorded programs smaller without changing a bit of what they compute: a kernel call that repeats an earlier one
 * on the same values is left out (a gradient rule computes again what the forward pass had; two quantizers share a
 * range), and so is a call whose results nothing reads. Steps of the host all stay: making random numbers moves their
 * generator on, and what is shown to it is what the program is run for. Before that batch normalisations are split, and
 * after it large values that the backward part can make again are no longer kept for it.
 */
import type { TensorType } from './contract.js';
import type { TypedArray } from './dtype.js';
import { NewBuffers } from './newBuffers.js';
import {
  type BackwardPart,
  inputsOf,
  isKernelStep,
  isReadStep,
  type KernelProgram,
  type KernelStep,
  outputsOf,
  type ProgramBuffer,
  type ProgramStep,
} from './program.js';
import { KEPT_ELEMENTS, Recomputation } from './recompute.js';
import { splitBatchNorm } from './splitBatchNorm.js';

/** Most elements of a constant that is compared with others. */
const COMPARED_ELEMENTS = 64;

/** An optimized program, and its further backward parts. */
export interface OptimizedProgram {
  readonly program: KernelProgram;
  /** Optimizes another backward part of the recorded program, one from fewer results than the program's own. */
  part(recorded: BackwardPart): BackwardPart;
}

/**
 * Optimizes a recorded program.
 * @param keptElements Most elements of a value that is kept for the backward part although it could be computed there.
 */
export function optimizeProgram(recorded: KernelProgram, keptElements = KEPT_ELEMENTS): OptimizedProgram {
  const values = new Values();
  const buffers = new NewBuffers();
  const steps = values.merge(splitBatchNorm(recorded.steps, buffers));
  const results = recorded.results.map((buffer) => values.of(buffer));
  const readBefore = new Set(recorded.backward.steps.flatMap(inputsOf).map((buffer) => values.of(buffer)));
  const merged = mergePart(
    recorded.backward,
    buffers,
    values.fork((buffer) => buffer.length <= keptElements || readBefore.has(buffer)),
  );
  const read = new Set([...merged.steps.flatMap(inputsOf), ...merged.inputGradients]);
  // What the gradient rules saved is known not to change before the backward part; other inputs may.
  const saved = new Set([...readBefore].filter(({ origin }) => origin === 'external'));
  const recomputation = new Recomputation({ steps, results, saved }, merged, buffers, keptElements);
  const backward = recomputation.apply(merged);
  const kept = [...backward.steps.flatMap(inputsOf), ...backward.inputGradients];
  return {
    program: {
      steps: liveSteps(steps, [...results, ...kept]),
      inputs: recorded.inputs,
      results,
      backward,
    },
    part: (part) =>
      recomputation.apply(
        mergePart(
          part,
          buffers,
          values.fork((buffer) => read.has(buffer)),
        ),
      ),
  };
}

function mergePart(part: BackwardPart, buffers: NewBuffers, values: Values): BackwardPart {
  const steps = values.merge(splitBatchNorm(part.steps, buffers));
  const inputGradients = part.inputGradients.map((buffer) => values.of(buffer));
  return { steps: liveSteps(steps, inputGradients), gradients: part.gradients, inputGradients };
}

/** The steps on which `wanted` depends, and those of the host. */
function liveSteps(steps: readonly ProgramStep[], wanted: readonly ProgramBuffer[]): ProgramStep[] {
  const needed = new Set(wanted);
  const live: ProgramStep[] = [];
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index];
    if (isKernelStep(step) && !outputsOf(step).some((buffer) => needed.has(buffer))) continue;
    live.push(step);
    for (const buffer of inputsOf(step)) needed.add(buffer);
  }
  return live.reverse();
}

/** Which buffers hold the same values, and which call made them. */
class Values {
  /** For a buffer that repeats an earlier one, that one. */
  readonly #same: Map<ProgramBuffer, ProgramBuffer>;
  readonly #calls: Map<string, readonly ProgramBuffer[]>;
  readonly #constants: Map<string, ProgramBuffer>;
  /** Whether the results of a call that was made before the fork may be used. */
  readonly #usable: (buffer: ProgramBuffer) => boolean;
  /** Buffers that were made since the fork. */
  readonly #own = new Set<ProgramBuffer>();

  constructor(from?: Values, usable: (buffer: ProgramBuffer) => boolean = () => true) {
    this.#same = new Map(from ? from.#same : []);
    this.#calls = new Map(from ? from.#calls : []);
    this.#constants = new Map(from ? from.#constants : []);
    this.#usable = usable;
  }

  /** For a part that follows. Of what was computed before, it may use only some. */
  fork(usable: (buffer: ProgramBuffer) => boolean): Values {
    return new Values(this, usable);
  }

  /** The buffer that stands for this one. */
  of(buffer: ProgramBuffer): ProgramBuffer {
    const known = this.#same.get(buffer);
    if (known || buffer.origin !== 'constant' || buffer.length > COMPARED_ELEMENTS) return known ?? buffer;
    const key = constantKey(buffer.values as TypedArray, buffer);
    const first = this.#constants.get(key) ?? buffer;
    this.#constants.set(key, first);
    this.#same.set(buffer, first);
    return first;
  }

  /** Leaves out the calls that repeat earlier ones. */
  merge(steps: readonly ProgramStep[]): ProgramStep[] {
    return steps.flatMap((step): ProgramStep[] => {
      if (isReadStep(step)) return [{ ...step, input: this.of(step.input) }];
      if (!isKernelStep(step)) return [step];
      const inputs = step.inputs.map((operand) => ({ ...operand, buffer: this.of(operand.buffer) }));
      const merged = { ...step, inputs } as KernelStep;
      const key = callKey(merged);
      const earlier = this.#calls.get(key);
      if (earlier?.every((buffer) => this.#own.has(buffer) || this.#usable(buffer))) {
        outputsOf(step).forEach((buffer, index) => {
          this.#same.set(buffer, earlier[index]);
        });
        return [];
      }
      const outputs = outputsOf(step);
      this.#calls.set(key, outputs);
      for (const buffer of outputs) this.#own.add(buffer);
      return [merged];
    });
  }
}

const constantKey = ({ buffer, byteOffset, byteLength }: TypedArray, { dtype }: ProgramBuffer): string =>
  `${dtype} ${new Uint8Array(buffer, byteOffset, byteLength).join()}`;

const typeKey = ({ shape, dtype }: TensorType): string => `${dtype}[${shape}]`;

function callKey({ kernel, inputs, attributes, outputs }: KernelStep): string {
  const operands = inputs.map((input) => `${input.buffer.id} ${typeKey(input)}`);
  return [kernel, operands, JSON.stringify(attributes, distinctNumbers), outputs.map(typeKey)].join('|');
}

/** JSON has one name for NaN and the infinities, and one for both zeros. */
const distinctNumbers = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;
