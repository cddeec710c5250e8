/**
 * What an operation is. One definition serves eager calls, the tape, recording, graph execution,
 * quantizer placement and the file formats, so that they cannot disagree.
 */
import type { KernelAttributes, KernelName, TensorType, TrainingKernelName } from '../kernels/contract.js';
import type { Tensor } from '../tensor/tensor.js';

/** A kernel call that computes the operation. Reshaping is free, so operand shapes may be overridden. */
export interface KernelCall<K extends KernelName = KernelName> {
  readonly kernel: K;
  readonly attributes: KernelAttributes[K];
  /** Shapes under which the kernel sees its inputs. Default: the tensors' own. */
  readonly inputShapes?: readonly (readonly number[])[];
  /** Shapes under which the kernel writes its outputs. Default: the operation's output types. */
  readonly outputShapes?: readonly (readonly number[])[];
}

/** Checks a kernel call's attributes against the contract. Kernels for training are called with `trainingCall`. */
export const kernelCall = <K extends Exclude<KernelName, TrainingKernelName>>(
  kernel: K,
  attributes: KernelAttributes[K],
  shapes: Pick<KernelCall, 'inputShapes' | 'outputShapes'> = {},
): KernelCall => ({ kernel, attributes, ...shapes }) as KernelCall;

/** What a gradient rule can see. Tensors are available only if the definition lists them in `saves`. */
export interface GradientContext<A> {
  readonly attributes: A;
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  input(index: number): Tensor;
  output(index: number): Tensor;
  /** Whether the gradient of this input is wanted; rules may skip the work otherwise. */
  needs(index: number): boolean;
}

/**
 * Gradients of the inputs from those of the outputs (null: none), written with operations. It stands beside the definition
 * and not in it, and so does the training form: a program that only runs models holds definitions alone.
 */
export type GradientRule<A = unknown> = {
  rule(context: GradientContext<A>, gradients: readonly (Tensor | null)[]): (Tensor | null)[];
}['rule'];

/** What an operation does instead while its graph is in training mode, such as batch statistics or dropout. */
export type TrainingForm<A = unknown> = { form(inputs: readonly Tensor[], attributes: A): Tensor[] }['form'];

/** Gradient rules and training forms by operation, for whatever carries out operations that it reads from a graph. */
export interface TrainingRules {
  gradientOf(definition: OperationDefinition): GradientRule | undefined;
  trainingFormOf(definition: OperationDefinition): TrainingForm | undefined;
}

/** How quantizers treat the operation where a hardware table does not say otherwise (NNCF's traits). */
export type QuantizationTrait =
  /** Its inputs get quantizers. */
  | 'inputsQuantizable'
  /** Values pass through unchanged, so a quantizer may move past it. */
  | 'quantizationAgnostic'
  /** Joins tensors: quantizers pass, and may need one scale. */
  | 'concat'
  /** Its output is quantized by quantizing its weights (embeddings). */
  | 'outputQuantizationAsWeights'
  /** Quantizers stop here (the default). */
  | 'nonQuantizable';

export interface QuantizationTraits<A> {
  readonly trait: QuantizationTrait;
  /**
   * The input that holds weights when it is constant, and the axis of the output channels in the tensor that
   * the model keeps (grouped convolutions keep four axes and are given five).
   */
  readonly weights?: { readonly port: number; channelAxis(attributes: A, shape: readonly number[]): number };
  /** Inputs that are never quantized, such as indices. */
  readonly ignoredPorts?: readonly number[];
}

/** A constant that OpenVINO takes as an input where we have an attribute. */
export interface OpenvinoConstant {
  readonly elementType: 'i64' | 'i32' | 'f32';
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** The `<data>` attributes of an IR layer, as written. */
export type OpenvinoData = Readonly<Record<string, string | number | boolean | readonly number[]>>;

/** Typed access to the `<data>` attributes of an IR layer that is being read. Missing ones take the given default. */
export interface OpenvinoDataReader {
  number(name: string, fallback?: number): number;
  boolean(name: string, fallback?: boolean): boolean;
  string(name: string, fallback?: string): string;
  numbers(name: string, fallback?: readonly number[]): number[];
}

/** Chooses an opset. Taken from a method, so that definitions of all attribute types fit into one list. */
type OpsetRule<A> = { of(attributes: A): string }['of'];

/** How the operation stands in OpenVINO IR version 11. */
export interface OpenvinoForm<A> {
  /** `type` of the layer. Default: the definition's type. */
  readonly type?: string;
  /** The lowest opset that has it, such as `opset1`; it may depend on the attributes. */
  readonly opset: string | OpsetRule<A>;
  data?(attributes: A, inputs: readonly TensorType[]): OpenvinoData;
  /** Constants that follow the tensor inputs. */
  constants?(attributes: A, inputs: readonly TensorType[]): readonly OpenvinoConstant[];
  /** Number of leading tensor inputs when reading; the others are `constants`. Default: all inputs are tensors. */
  readonly tensorInputs?: number;
  /** Attributes from a layer that was read. `constants` are the values behind the trailing inputs. */
  parse?(data: OpenvinoDataReader, constants: readonly (readonly number[])[], inputs: readonly TensorType[]): A;
}

export interface OperationDefinition<A = unknown> {
  /** OpenVINO's name, or our own where OpenVINO has no such operation. */
  readonly type: string;
  /** Output types from input types; throws `ShapeError` or `DTypeError`. Must carry `DYNAMIC` extents through. */
  infer(inputs: readonly TensorType[], attributes: A): TensorType[];
  /**
   * The kernel call, or `alias`: the output is the first input's values under another shape.
   * A definition has either this or `decompose`.
   */
  lower?(inputs: readonly TensorType[], attributes: A, outputs: readonly TensorType[]): KernelCall | 'alias';
  /**
   * Computes the outputs with other operations, for operations that are more than one kernel. With a gradient rule of
   * its own (`saves`) the parts stay off the tape; without, they are differentiated.
   */
  decompose?(inputs: readonly Tensor[], attributes: A): Tensor[];
  /** What the gradient rule needs kept until the backward pass; `{}` for nothing. Absent: the operation has no rule. */
  readonly saves?: { readonly inputs?: readonly number[]; readonly outputs?: readonly number[] };
  /** True where the output is the first input itself, such as a quantizer that is switched off. */
  bypass?(attributes: A): boolean;
  readonly quantization?: QuantizationTraits<A>;
  readonly openvino?: OpenvinoForm<A>;
}

/** Fixes the attribute type of a definition. */
export const defineOperation = <A>(definition: OperationDefinition<A>): OperationDefinition<A> => definition;
