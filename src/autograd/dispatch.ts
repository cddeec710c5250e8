/**
 * The one place where an operation is carried out: it is recorded if an input is symbolic, computed
 * otherwise, and put on the tape if an input needs a gradient.
 */
import { BackendError, QuantGradError, TraceError } from '../errors.js';
import type { Backend, Operand, TensorType } from '../kernels/contract.js';
import { type SymbolicSource, Tensor } from '../tensor/tensor.js';
import { isGradEnabled, noGrad } from './gradMode.js';
import type { GradientContext, GradientRule, OperationDefinition, TrainingRules } from './operation.js';
import { type BackwardRule, record, TapeNode } from './tape.js';

/** Records operations on symbolic tensors: a graph under construction. */
export interface Recorder extends SymbolicSource {
  record(definition: OperationDefinition, inputs: readonly Tensor[], attributes: unknown): Tensor[];
  /** Whether a tensor with values belongs to the recorded model, so that what is computed from it must stay computed. */
  owns?(tensor: Tensor): boolean;
}

let current: Recorder | null = null;

/** Runs `body`, in which operations on tensors that the recorder owns are recorded like those on symbolic ones. */
export function withRecorder<T>(recorder: Recorder, body: () => T): T {
  const previous = current;
  current = recorder;
  try {
    return body();
  } finally {
    current = previous;
  }
}

/** Whether a recorder is at work, so that operations on tensors with values may have to be recorded. */
export const isRecording = (): boolean => current !== null;

function recorderOf(inputs: readonly Tensor[]): Recorder | null {
  let found: Recorder | null = null;
  for (const input of inputs) {
    const source = input.source ?? (current?.owns?.(input) ? current : null);
    if (source === null || source === found) continue;
    if (found !== null) {
      throw new TraceError(
        'TWO_RECORDINGS',
        `Symbolic tensors of two different recordings meet at ${found.place()}. Build the whole model from one set of inputs.`,
      );
    }
    found = source as Recorder;
  }
  return found;
}

function backendOf(inputs: readonly Tensor[], type: string): Backend {
  const backend = inputs[0].backend;
  for (const input of inputs) {
    if (input.backend !== backend) {
      throw new BackendError(
        'MIXED_BACKENDS',
        `${type}: its inputs live on different backends (${backend.name} and ${input.backend.name}). Move one with await tensor.to(backend).`,
      );
    }
  }
  return backend;
}

/** Computes an operation without looking at gradients. */
function compute<A>(definition: OperationDefinition<A>, inputs: readonly Tensor[], attributes: A): Tensor[] {
  const backend = backendOf(inputs, definition.type);
  const types = definition.infer(inputs, attributes);
  if (definition.decompose) return noGrad(() => definition.decompose?.(inputs, attributes) ?? []);
  if (!definition.lower)
    throw new QuantGradError(
      'NO_KERNEL',
      `The operation ${definition.type} has neither a kernel call nor a decomposition.`,
    );
  const call = definition.lower(inputs, attributes, types);
  if (call === 'alias') return [new Tensor(inputs[0].storage, types[0].shape, types[0].dtype, backend)];
  const operands = inputs.map(
    (input, index): Operand => ({
      storage: input.storage,
      shape: call.inputShapes?.[index] ?? input.shape,
      dtype: input.dtype,
    }),
  );
  const outputs = types.map(
    (type, index): TensorType => ({ shape: call.outputShapes?.[index] ?? type.shape, dtype: type.dtype }),
  );
  const storages = backend.run(call.kernel, operands, call.attributes, outputs);
  return types.map((type, index) => new Tensor(storages[index], type.shape, type.dtype, backend));
}

/**
 * Carries out an operation.
 * @param gradient Its gradient rule. Without one, no input may need a gradient, unless the operation has none.
 */
export function apply<A>(
  definition: OperationDefinition<A>,
  inputs: readonly Tensor[],
  attributes: A,
  gradient?: GradientRule<A>,
): Tensor[] {
  const recorder = recorderOf(inputs);
  if (recorder) return recorder.record(definition, inputs, attributes);
  if (definition.bypass?.(attributes)) return [inputs[0]];
  if (definition.decompose && !definition.saves) {
    definition.infer(inputs, attributes);
    return definition.decompose(inputs, attributes);
  }
  const outputs = compute(definition, inputs, attributes);
  if (isGradEnabled() && definition.saves && inputs.some((input) => input.requiresGrad)) {
    if (!gradient) {
      throw new QuantGradError('NO_GRADIENT_RULE', `${definition.type} was applied without its gradient rule.`);
    }
    const { inputs: savedInputs = [], outputs: savedOutputs = [] } = definition.saves;
    const saved = [...savedInputs.map((index) => inputs[index]), ...savedOutputs.map((index) => outputs[index])];
    const rule = backwardRule(definition, gradient, attributes, inputs.map(typeOf), outputs.map(typeOf));
    record(new TapeNode(definition.type, inputs, outputs.length, saved, rule), outputs);
  }
  return outputs;
}

const typeOf = ({ shape, dtype }: Tensor): TensorType => ({ shape, dtype });

/**
 * What the tape runs for an operation. Made outside of `apply`, whose variables a closure made there would keep alive:
 * every input and result, although the rule needs only the saved ones.
 */
function backwardRule<A>(
  { type, saves }: OperationDefinition<A>,
  gradient: GradientRule<A>,
  attributes: A,
  inputTypes: readonly TensorType[],
  outputTypes: readonly TensorType[],
): BackwardRule {
  const { inputs: savedInputs = [], outputs: savedOutputs = [] } = saves ?? {};
  return (gradients, savedTensor, needs) => {
    const context: GradientContext<A> = {
      attributes,
      inputTypes,
      outputTypes,
      input: (index) => savedTensor(position(savedInputs, index, type)),
      output: (index) => savedTensor(savedInputs.length + position(savedOutputs, index, type)),
      needs: (index) => needs[index],
    };
    return gradient(context, gradients);
  };
}

/** As `apply`, with rules that are looked up. While training, an operation with a training form runs that. */
export function applyInMode<A>(
  definition: OperationDefinition<A>,
  inputs: readonly Tensor[],
  attributes: A,
  rules: TrainingRules,
  training: boolean,
): Tensor[] {
  const key = definition as OperationDefinition;
  // What is being recorded keeps the operation itself.
  const form = training && !inputs.some((input) => input.isSymbolic) ? rules.trainingFormOf(key) : undefined;
  return form ? form(inputs, attributes) : apply(definition, inputs, attributes, rules.gradientOf(key));
}

/** As `apply`, for the many operations with one output. */
export const applyOne = <A>(
  definition: OperationDefinition<A>,
  inputs: readonly Tensor[],
  attributes: A,
  gradient?: GradientRule<A>,
): Tensor => apply(definition, inputs, attributes, gradient)[0];

function position(list: readonly number[], index: number, type: string): number {
  const found = list.indexOf(index);
  if (found < 0)
    throw new QuantGradError(
      'NOT_SAVED',
      `The gradient rule of ${type} reads a tensor (${index}) that its definition does not save.`,
    );
  return found;
}
