/**
 * The contract between the engine and a compute backend.
 *
 * A backend owns memory behind opaque `Storage` handles and runs named kernels on them. Running a
 * kernel only enqueues it; `read` is the one place that waits. A kernel never changes its inputs:
 * it returns new storages (a GPU cannot write the texture it reads), so the same contract fits a
 * typed array, an address in a WebAssembly heap and a texture that is still being computed.
 * All storages are dense, in row-major order; shapes travel beside them.
 * Shape and dtype rules live with the operations: a kernel is told its output types and trusts them.
 */
import type { DType, TypedArray } from './dtype.js';

/** Memory owned by a backend. Backends extend this with what they keep; nobody else looks inside. */
export interface Storage {
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;
}

/** Shape and element type of a tensor. */
export interface TensorType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** An input of a kernel: a storage and how to read it. */
export interface Operand extends TensorType {
  readonly storage: Storage;
}

export type UnaryFunction =
  | 'relu'
  | 'sigmoid'
  | 'tanh'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'abs'
  | 'negative'
  | 'sign'
  | 'floor'
  | 'ceiling'
  /** Half to even, as IEEE 754 and OpenVINO. */
  | 'round'
  | 'erf'
  | 'gelu'
  | 'geluTanh'
  | 'swish'
  | 'hswish'
  | 'hsigmoid'
  | 'softplus'
  | 'mish'
  | 'reciprocal'
  /** bool -> bool. */
  | 'logicalNot';

export type BinaryFunction =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'power'
  | 'maximum'
  | 'minimum'
  /** Comparisons and logic give bool. */
  | 'equal'
  | 'notEqual'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual'
  | 'logicalAnd'
  | 'logicalOr';

export type ReduceFunction = 'sum' | 'mean' | 'max' | 'min' | 'prod';

/** Padding and strides of a 2-D convolution, in the order [y, x]. */
export interface Conv2dAttributes {
  readonly strides: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
}

export interface Pool2dAttributes {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
}

export interface InterpolateAttributes {
  readonly mode: 'nearest' | 'linear';
  /** How an output coordinate maps to an input coordinate, by OpenVINO's names. */
  readonly coordinates: 'asymmetric' | 'half_pixel' | 'pytorch_half_pixel' | 'align_corners';
  /** Input pixels per output pixel along [y, x] (inverse of the zoom factor). */
  readonly steps: readonly number[];
}

export interface FakeQuantizeAttributes {
  /** Number of quantization levels, at least 2. */
  readonly levels: number;
}

export interface FakeQuantizeGradientAttributes extends FakeQuantizeAttributes {
  /** Lowest and highest integer code; their quotient is the range gradient below the range. */
  readonly levelLow: number;
  readonly levelHigh: number;
}

/**
 * Every kernel with its attributes. `inputs -> outputs` in the comments; `[..]` is a shape.
 * "matching" operands have the same shape; "broadcast" follows NumPy.
 */
export interface KernelAttributes {
  /** x -> same shape. */
  unary: { readonly function: UnaryFunction };
  /** a, b (broadcast) -> broadcast shape. Integer division rounds down and x / 0 is 0. */
  binary: { readonly function: BinaryFunction };
  /** condition (bool), a, b (broadcast). */
  select: Record<string, never>;
  /** x -> min(max(x, min), max). NaN stays NaN. */
  clamp: { readonly min: number; readonly max: number };
  /** x -> x > 0 ? x : alpha (e^x - 1). */
  elu: { readonly alpha: number };
  /** x -> the output's dtype. Float to integer truncates toward zero and saturates; integer to integer wraps; to bool is x != 0. */
  convert: Record<string, never>;
  /** x -> reduced over `axes` (non-negative, sorted, unique). The output type says whether axes are kept. */
  reduce: { readonly function: ReduceFunction; readonly axes: readonly number[] };
  /** x -> values, indices (int32) of the k largest or smallest along `axis`, sorted; ties by lower index; NaN is the largest. */
  topK: { readonly axis: number; readonly k: number; readonly mode: 'max' | 'min' };
  /** x -> copied to the (larger) output shape by NumPy broadcasting. */
  broadcast: Record<string, never>;
  /** x -> axes in `order`. */
  transpose: { readonly order: readonly number[] };
  /** n inputs joined along `axis`. */
  concat: { readonly axis: number };
  /** x -> x[begin : begin + step * size : step] for every axis; the size is the output's. Steps may be negative. */
  slice: { readonly begin: readonly number[]; readonly steps: readonly number[] };
  /** g -> zeros of the output's shape with g written where `slice` with these attributes reads. */
  sliceGradient: { readonly begin: readonly number[]; readonly steps: readonly number[] };
  /** x -> padded by begin/end elements on each axis (negative crops). */
  pad: {
    readonly padsBegin: readonly number[];
    readonly padsEnd: readonly number[];
    readonly mode: 'constant' | 'edge' | 'reflect';
    readonly value: number;
  };
  /** g [padded] -> gradient of `pad` with respect to its input, for every mode. */
  padGradient: {
    readonly padsBegin: readonly number[];
    readonly padsEnd: readonly number[];
    readonly mode: 'constant' | 'edge' | 'reflect';
  };
  /**
   * data, indices (int32, negative counts from the end) -> data[:axis] + indices.shape + data[axis+1:]. For this and the
   * three kernels below, an index outside the axis reads zero and receives no gradient.
   */
  gather: { readonly axis: number };
  /** g, indices -> zeros of the output's shape with g added where `gather` reads. */
  gatherGradient: { readonly axis: number };
  /** data, indices (int32, same rank) -> data[.., indices[..], ..] along `axis`. */
  gatherElements: { readonly axis: number };
  /** g, indices -> zeros of the output's shape with g added where `gatherElements` reads. */
  gatherElementsGradient: { readonly axis: number };
  /** a [.., M, K], b [.., K, N] with batch axes broadcast -> [.., M, N]; ranks are at least 2 and equal. */
  matMul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** x [N, C, H, W], w [O, C/groups, kh, kw] -> [N, O, H', W']. Cross-correlation. */
  conv2d: Conv2dAttributes;
  /** g [N, O, H', W'], w [O, C/groups, kh, kw] -> gradient of x; the output type gives its shape. */
  conv2dInputGradient: Conv2dAttributes;
  /** x, g -> gradient of w; the output type gives its shape. */
  conv2dFilterGradient: Conv2dAttributes;
  /** x [N, C, H, W] -> values, indices (int32, flat position in the H*W plane; first maximum wins, NaN is a maximum). */
  maxPool2d: Pool2dAttributes & { readonly dilations: readonly number[] };
  /**
   * g, indices -> gradient of x; the output type gives its shape. `window` is the pool that the indices come from: it tells
   * backends that gather where to look for a pixel's outputs, which is everywhere without it.
   */
  maxPool2dGradient: { readonly window?: KernelAttributes['maxPool2d'] };
  /** x [N, C, H, W]. Divisor: with `excludePad` the pixels inside the image; else those inside the padded image. */
  avgPool2d: Pool2dAttributes & { readonly excludePad: boolean };
  avgPool2dGradient: Pool2dAttributes & { readonly excludePad: boolean };
  /** x [N, C, H, W] -> [N, C, H', W']; window i covers floor(i H / H') up to ceil((i + 1) H / H'). */
  adaptiveAvgPool2d: Record<string, never>;
  adaptiveAvgPool2dGradient: Record<string, never>;
  /** x [N, C, ..], gamma [C], beta [C] -> y, mean [C], variance [C] (biased), normalised over all axes but 1. */
  batchNorm: { readonly epsilon: number };
  /**
   * x [N, C, ..], gamma [C], beta [C] -> mean [C], variance [C] (biased), shift [C]: what `batchNorm` is but for its last
   * pass, so that y = `batchNormInference` of x, gamma, shift, mean, variance. shift is beta less gamma / deviation times
   * what rounding took from the mean, which far from zero is more than an element's own rounding error.
   */
  batchNormStatistics: { readonly epsilon: number };
  /** x [N, C, ..], gamma, beta, mean, variance [C] -> (x - mean) gamma / sqrt(variance + epsilon) + beta. */
  batchNormInference: { readonly epsilon: number };
  /** g, x, gamma, mean, variance (of the batch) -> gradients of x, gamma, beta. */
  batchNormGradient: { readonly epsilon: number };
  /** x -> softmax along `axis`. */
  softmax: { readonly axis: number };
  logSoftmax: { readonly axis: number };
  /** x -> (x - mean) / sqrt(variance + epsilon) over `axes`; biased variance. */
  mvn: { readonly axes: readonly number[]; readonly epsilon: number };
  /** g, y (output of mvn), x -> gradient of x. */
  mvnGradient: { readonly axes: readonly number[]; readonly epsilon: number };
  /** x [N, C, H, W] -> [N, C, H', W']. */
  interpolate: InterpolateAttributes;
  interpolateGradient: InterpolateAttributes;
  /**
   * x, low, range -> y = round((clamp(x, low, low + range) - low) s - z) / s with s = (levels - 1) / range,
   * z = round(-low s), half to even. low and range match each other and broadcast to x: rank 1 with one
   * element (per tensor), or x's rank with ones everywhere but one axis. Each step is rounded to x's dtype.
   */
  fakeQuantize: FakeQuantizeAttributes;
  /**
   * x, low, range -> the integer codes of fakeQuantize as int32: round(..) as above, so that y = code / s. Codes are
   * relative to zero: levelLow to levelHigh for a signed grid; code + z counts from 0. NaN has code 0.
   */
  fakeQuantizeCodes: FakeQuantizeAttributes;
  /**
   * g, x, low, range -> gradients of x, low, range (NNCF's straight-through estimator):
   * dx = g inside [low, low + range], else 0; dlow = sum of g outside;
   * drange = sum of g * ((y - x) / range inside, 1 above, levelLow / levelHigh below). NaN in x: no gradient.
   */
  fakeQuantizeGradient: FakeQuantizeGradientAttributes;
  /** x, inputLow, inputHigh, outputLow, outputHigh (all broadcast to x) -> OpenVINO's FakeQuantize-1. */
  fakeQuantizeOpenvino: FakeQuantizeAttributes;
  /** parameter, gradient, momentum buffer -> new parameter, new momentum buffer. PyTorch's SGD; the first step copies the gradient. */
  sgdUpdate: {
    readonly learningRate: number;
    readonly momentum: number;
    readonly dampening: number;
    readonly weightDecay: number;
    readonly nesterov: boolean;
    readonly first: boolean;
  };
  /** parameter, gradient, first moment, second moment -> the three new values. PyTorch's Adam and AdamW (`decoupled`). */
  adamUpdate: {
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly decoupled: boolean;
    /** Number of this step, from 1. */
    readonly step: number;
  };
  /** parameter, gradient, square average, momentum buffer, gradient average -> the four new values. PyTorch's RMSprop. */
  rmspropUpdate: {
    readonly learningRate: number;
    readonly alpha: number;
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly momentum: number;
    readonly centered: boolean;
  };
}

export type KernelName = keyof KernelAttributes;

/** The kernels that only training needs. Backends learn them when a program first trains: see `trainingKernels.ts`. */
export type TrainingKernelName =
  | 'conv2dFilterGradient'
  | 'maxPool2dGradient'
  | 'avgPool2dGradient'
  | 'adaptiveAvgPool2dGradient'
  | 'batchNorm'
  | 'batchNormStatistics'
  | 'batchNormGradient'
  | 'mvnGradient'
  | 'interpolateGradient'
  | 'fakeQuantizeGradient'
  | 'sgdUpdate'
  | 'adamUpdate'
  | 'rmspropUpdate';

/** A call of a kernel with all that it needs. */
export interface KernelCall<K extends KernelName = KernelName> {
  readonly kernel: K;
  readonly inputs: readonly Operand[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
}

/** A compute backend. */
export interface Backend {
  /** Short name, such as `reference`. */
  readonly name: string;
  /** Whether `readSync` works. */
  readonly synchronous: boolean;
  /** Whether storages lie in the host's memory, so that reading a few values costs next to nothing. Default: false. */
  readonly inHostMemory?: boolean;
  supportsDType(dtype: DType): boolean;
  /** Takes over `values` (the caller does not change them afterwards). */
  upload(values: TypedArray, dtype: DType): Storage;
  /** Waits until the storage is computed and copies it to the host. */
  read(storage: Storage): Promise<TypedArray>;
  /** As `read`, at once. Throws `BackendError` where the backend cannot. The result must not be changed. */
  readSync(storage: Storage): TypedArray;
  /** Enqueues a kernel; the results have the types `outputs`. */
  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): Storage[];
  /**
   * Runs calls of which none reads what another makes, as one piece of work; results in the order of the calls. Optional:
   * without it they are run one by one.
   */
  runTogether?(calls: readonly KernelCall[]): Storage[][];
  /** Frees a storage that nothing uses any more. Optional: what is not released is collected. */
  release?(storage: Storage): void;
  /**
   * As `upload`, of values that are made anew whenever the code that is being recorded runs again, such as a
   * random mask. Optional: without it the values are made and uploaded.
   */
  generate?(make: () => TypedArray, length: number, dtype: DType): Storage;
}
