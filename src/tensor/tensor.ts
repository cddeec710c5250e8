/**
 * The tensor: a shape, an element type, and values that a backend owns. Values are dense and row-major
 * and never change in place: an in-place operation gives the tensor another storage and raises its
 * version, so that a backward pass notices when a value it saved is no longer the tensor's.
 *
 * A symbolic tensor has no values: it stands for a value of a graph that is being recorded.
 * The arithmetic methods (`add`, `reshape`, ...) are installed by `ops/methods.ts`, one floor up.
 */
import { AutogradError, BackendError, DTypeError, ShapeError, TraceError } from '../errors.js';
import type { Backend, Storage } from '../kernels/contract.js';
import type { DType, TypedArray } from '../kernels/dtype.js';
import { formatShape, type Shape, sameShape, sizeOf } from './shape.js';

/** What the automatic differentiation hangs on a tensor that it can differentiate. */
export interface GradientNode {
  readonly name: string;
}

/** What records operations on symbolic tensors. */
export interface SymbolicSource {
  /** Where in the model the recording is, for errors: `layer 'conv1'`. */
  place(): string;
}

export interface TensorOptions {
  requiresGrad?: boolean;
}

/**
 * Storages on which a tensor was made, and those on which more than one was. One that only ever had one tensor can be
 * freed when that tensor gets another: nobody else can read it.
 */
const owned = new WeakSet<Storage>();
const shared = new WeakSet<Storage>();

function own(storage: Storage): void {
  if (owned.has(storage)) shared.add(storage);
  else owned.add(storage);
}

export class Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly backend: Backend;
  /** The accumulated gradient of a leaf, after `backward()`. */
  grad: Tensor | null = null;
  /** Rises whenever the values change in place. */
  version = 0;
  #requiresGrad = false;
  #storage: Storage | null;
  /** The tape node that computed this tensor, and which of its outputs this is. Managed by the autograd floor. */
  gradientNode: GradientNode | null = null;
  outputIndex = 0;
  /** Set on symbolic tensors. */
  readonly source: SymbolicSource | null;

  constructor(
    storage: Storage | null,
    shape: Shape,
    dtype: DType,
    backend: Backend,
    source: SymbolicSource | null = null,
  ) {
    this.#storage = storage;
    if (storage) own(storage);
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.backend = backend;
    this.source = source;
  }

  /** Whether this tensor stands for a value of a graph that is being recorded. */
  get isSymbolic(): boolean {
    return this.source !== null;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** A leaf was made by the user; the others were computed from tensors that require a gradient. */
  get isLeaf(): boolean {
    return this.gradientNode === null;
  }

  get requiresGrad(): boolean {
    return this.#requiresGrad || this.gradientNode !== null;
  }

  set requiresGrad(value: boolean) {
    if (!this.isLeaf && !value) {
      throw new AutogradError(
        'NOT_A_LEAF',
        'requiresGrad can only be switched off on a leaf. Use detach() to get a tensor that needs no gradient.',
      );
    }
    if (value && this.dtype !== 'float32' && this.dtype !== 'float64') {
      throw new DTypeError(
        'GRADIENT_DTYPE',
        `Only floating-point tensors can require a gradient; this one is ${this.dtype}.`,
      );
    }
    this.#requiresGrad = value;
  }

  /** The backend's handle. Symbolic tensors have none: code that needs values cannot be recorded. */
  get storage(): Storage {
    if (this.#storage === null) throw this.noValues('its values were needed');
    return this.#storage;
  }

  /** Waits for the values and copies them to the host, in row-major order. */
  async data(): Promise<TypedArray> {
    if (this.source) throw this.noValues('data() was called');
    return this.backend.read(this.storage);
  }

  /** As `data`, at once; a `BackendError` on backends that cannot wait. */
  dataSync(): TypedArray {
    if (this.source) throw this.noValues('dataSync() was called');
    return this.backend.readSync(this.storage).slice();
  }

  /** The value of a tensor with one element. */
  async item(): Promise<number> {
    return this.#single(await this.data());
  }

  /** As `item`, at once. */
  itemSync(): number {
    return this.#single(this.dataSync());
  }

  /** Nested arrays of numbers (a number for rank 0). */
  async toArray(): Promise<NestedArray> {
    return nest(await this.data(), this.shape, 0, { position: 0 });
  }

  /** The same values without a gradient history. Shares the values with this tensor until either changes. */
  detach(): Tensor {
    if (this.source) return this;
    return new Tensor(this.storage, this.shape, this.dtype, this.backend);
  }

  /** The same values on another backend (this tensor itself if it is there already). */
  async to(backend: Backend): Promise<Tensor> {
    if (backend === this.backend) return this;
    const moved = new Tensor(backend.upload(await this.data(), this.dtype), this.shape, this.dtype, backend);
    moved.requiresGrad = this.#requiresGrad;
    return moved;
  }

  /** Gives this tensor the values of another one of the same shape and dtype, in place. */
  assign_(other: Tensor): this {
    if (!sameShape(this.shape, other.shape)) {
      throw new ShapeError(
        'ASSIGN_SHAPE',
        `assign_: a tensor of shape ${formatShape(this.shape)} cannot take values of shape ${formatShape(other.shape)}.`,
      );
    }
    if (this.dtype !== other.dtype) {
      throw new DTypeError(
        'ASSIGN_DTYPE',
        `assign_: a ${this.dtype} tensor cannot take ${other.dtype} values; convert them with .cast('${this.dtype}').`,
      );
    }
    if (other.backend !== this.backend) {
      throw new BackendError(
        'MIXED_BACKENDS',
        `assign_: a tensor on the ${this.backend.name} backend cannot take the values of one on ${other.backend.name}. Move it with await tensor.to(backend).`,
      );
    }
    return this.replaceStorage(other.storage);
  }

  /** Installs a new storage of the same type. For optimizers and running statistics; users call `assign_`. */
  replaceStorage(storage: Storage): this {
    if (this.source) throw this.noValues('it was changed in place');
    if (storage.length !== this.size || storage.dtype !== this.dtype) {
      throw new ShapeError(
        'STORAGE_MISMATCH',
        `A ${this.dtype} tensor of shape ${formatShape(this.shape)} cannot hold ${storage.length} ${storage.dtype} values.`,
      );
    }
    const previous = this.storage;
    if (storage !== previous) {
      own(storage);
      this.#storage = storage;
      if (!shared.has(previous)) this.backend.release?.(previous);
    }
    this.version++;
    return this;
  }

  /** Whether another tensor was made on this one's values, so that they must stay as they are. */
  get storageIsShared(): boolean {
    return shared.has(this.storage);
  }

  /** Keeps the present storage from being freed when the tensor gets another, for those who read it later. */
  retainStorage(): this {
    shared.add(this.storage);
    return this;
  }

  toString(): string {
    return `Tensor(${this.dtype} ${formatShape(this.shape)}${this.source ? ', symbolic' : ''}${this.requiresGrad ? ', requiresGrad' : ''})`;
  }

  /** Comparing or calculating with a tensor as if it were a number is a mistake; say so instead of giving NaN. */
  valueOf(): never {
    if (this.source) throw this.noValues('it was used as a number');
    throw new DTypeError(
      'NOT_A_NUMBER',
      `${this.toString()} was used as a number. Read it with await tensor.item(), or use tensor methods such as add() and greater().`,
    );
  }

  #single(values: TypedArray): number {
    if (values.length !== 1) {
      throw new ShapeError(
        'NOT_A_SCALAR',
        `item() needs a tensor with one element; this one has shape ${formatShape(this.shape)}.`,
      );
    }
    return values[0];
  }

  private noValues(what: string): TraceError {
    return new TraceError(
      'DATA_DEPENDENT',
      `The model cannot be recorded as a graph: at ${this.source?.place() ?? 'an unknown place'}, ${what} on a symbolic tensor of shape ${formatShape(this.shape)}. ` +
        'Control flow must not depend on the data; express the choice with tensor operations (where, maximum, clamp) or keep it outside forward().',
      { place: this.source?.place() },
    );
  }
}

export type NestedArray = number | NestedArray[];

function nest(values: TypedArray, shape: Shape, axis: number, cursor: { position: number }): NestedArray {
  if (axis === shape.length) return values[cursor.position++];
  return Array.from({ length: shape[axis] }, () => nest(values, shape, axis + 1, cursor));
}
