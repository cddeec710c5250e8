/**
 * The GPU.js backend. It exists to prove that the kernel contract fits a GPU: results are textures
 * or buffers that stay on the device between kernels, nothing is shared with the host, and in the
 * asynchronous modes a kernel's inputs may not have been computed yet when it is enqueued.
 *
 * Kernels without a program of their own run as reference kernels on the host, at once where
 * their inputs can be read at once, else when they arrive; so every operation works in every mode.
 */
import { BackendError } from '../../errors.js';
import type { Backend, KernelAttributes, KernelName, Operand, Storage, TensorType } from '../contract.js';
import type { DType, TypedArray } from '../dtype.js';
import { runReferenceKernel } from '../reference/backend.js';
import { Device } from './device.js';
import { writeProgram } from './kernels/index.js';
import { type GpuJsMode, loadGpuJs, resolveMode } from './library.js';
import { after, all, lastly, type Maybe } from './maybe.js';
import { type Program, sizeOf } from './program.js';
import { Content, GpuJsStorage, type View } from './storage.js';

export interface GpuJsOptions {
  /**
   * Where kernels run: `cpu` (generated JavaScript), `webasm` (generated WebAssembly), `webgl2`,
   * `webgpu`, or `gpu` for WebGL 2 where it works, else WebAssembly, else JavaScript. Default `gpu`.
   */
  readonly mode?: GpuJsMode | 'gpu';
  /**
   * Lets every kernel return at once and compute later, as WebGPU always does; `readSync` then
   * throws. In a browser that shares memory this also lets `webasm` use threads. Default false.
   */
  readonly asynchronous?: boolean;
  /**
   * Most compiled kernels to keep, by least recent use. Default 256; 96 in `webasm`, where each has a WebAssembly memory of
   * its own, of which browsers allow a page some 120.
   */
  readonly kernelCapacity?: number;
}

/** What a backend has done so far. */
export interface GpuJsInfo {
  readonly mode: GpuJsMode;
  readonly asynchronous: boolean;
  /** Launches on GPU.js by the kernel they belong to; a kernel may need several. */
  readonly launches: Readonly<Partial<Record<KernelName, number>>>;
  /** Runs of reference kernels, for want of a program for the kernel, its types or its attributes. */
  readonly fallbacks: Readonly<Partial<Record<KernelName, number>>>;
  /**
   * Copies of host arrays to the device and of device arrays to the host. The modes without a device count where there
   * would be one, so that they tell what a GPU transfers.
   */
  readonly uploads: number;
  readonly readbacks: number;
  /** Arrays that are on the device now. */
  readonly deviceArrays: number;
  /** Compiled kernels: kept now, ever built, and dropped for room. */
  readonly kernels: {
    readonly cached: number;
    readonly built: number;
    readonly evicted: number;
    readonly capacity: number;
  };
}

type Counts = Partial<Record<KernelName, number>>;

const count = (counts: Counts, kernel: KernelName): void => {
  counts[kernel] = (counts[kernel] ?? 0) + 1;
};

export class GpuJsBackend implements Backend {
  readonly name: string;
  readonly synchronous: boolean;

  private readonly launches: Counts = {};
  private readonly fallbacks: Counts = {};

  private constructor(
    readonly mode: GpuJsMode,
    private readonly device: Device,
    asynchronous: boolean,
  ) {
    this.name = `gpujs-${mode}`;
    this.synchronous = !asynchronous;
  }

  /** Loads GPU.js and starts it. Throws `BackendError` if the mode cannot run here. */
  static async create(options: GpuJsOptions = {}): Promise<GpuJsBackend> {
    const { kernelCapacity: capacity } = options;
    if (capacity !== undefined && !(Number.isInteger(capacity) && capacity >= 1)) {
      throw new BackendError('INVALID_OPTION', `kernelCapacity is ${capacity}; give a whole number of at least 1.`);
    }
    const GPU = await loadGpuJs();
    const mode = await resolveMode(GPU, options.mode ?? 'gpu');
    const kernelCapacity = capacity ?? (mode === 'webasm' ? 96 : 256);
    const asynchronous = mode === 'webgpu' || (options.asynchronous ?? false);
    return new GpuJsBackend(mode, new Device(GPU, { mode, asynchronous, kernelCapacity }), asynchronous);
  }

  /** All but `float64`. The device holds them as float32, integers as far as those are exact in it; others stay on the host. */
  supportsDType(dtype: DType): boolean {
    return dtype !== 'float64';
  }

  upload(values: TypedArray, dtype: DType): Storage {
    return this.store({ dtype, length: values.length }, new Content(dtype, values, undefined));
  }

  async read(storage: Storage): Promise<TypedArray> {
    const own = this.own(storage);
    // It may be released while its values are on their way.
    own.pin();
    try {
      return (await this.device.toHost(await own.content)).slice();
    } finally {
      own.unpin();
    }
  }

  readSync(storage: Storage): TypedArray {
    const { content } = this.own(storage);
    const values = this.synchronous ? after(content, (each) => this.device.toHost(each)) : undefined;
    if (values === undefined || values instanceof Promise) {
      throw new BackendError(
        'ASYNCHRONOUS_BACKEND',
        `The backend ${this.name} computes asynchronously, so its tensors cannot be read at once. Use \`await tensor.data()\`.`,
      );
    }
    return values;
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): Storage[] {
    this.device.faults.check();
    const storages = inputs.map((operand) => this.own(operand.storage));
    const program = writeProgram(kernel, inputs, attributes, outputs);
    storages.forEach((storage) => {
      storage.pin();
    });
    const results = lastly(
      () =>
        after(all(storages.map((storage) => storage.content)), (contents) =>
          program === undefined || !contents.every((content) => content.fitsDevice)
            ? this.runOnHost(kernel, inputs, contents, attributes, outputs)
            : this.runOnDevice(kernel, program, contents, outputs),
        ),
      () => {
        storages.forEach((storage) => {
          storage.unpin();
        });
      },
    );
    if (results instanceof Promise) {
      // A failure is reported by `read`; an output that nobody reads must not end the process.
      results.catch(() => undefined);
    }
    return outputs.map(({ dtype, shape }, index) => {
      const length = sizeOf(shape);
      const content = after(results, (contents) => contents[index]);
      if (content instanceof Promise) {
        content.catch(() => undefined);
      }
      return this.store({ dtype, length }, content);
    });
  }

  release(storage: Storage): void {
    if (storage instanceof GpuJsStorage) {
      storage.release();
    }
  }

  /** Counts of what has been done, for tests, benchmarks and curiosity. */
  info(): GpuJsInfo {
    const { kernels, uploads, readbacks, arrays } = this.device;
    return {
      mode: this.mode,
      asynchronous: !this.synchronous,
      launches: { ...this.launches },
      fallbacks: { ...this.fallbacks },
      uploads,
      readbacks,
      deviceArrays: arrays.live,
      kernels: { cached: kernels.size, built: kernels.built, evicted: kernels.evicted, capacity: kernels.capacity },
    };
  }

  /** Frees kernels and device. Tensors that are only on the device are lost. */
  async dispose(): Promise<void> {
    await this.device.dispose();
  }

  private runOnDevice(
    kernel: KernelName,
    program: Program,
    contents: readonly Content[],
    outputs: readonly TensorType[],
  ): Maybe<Content[]> {
    const views = all(contents.map((content) => this.device.toDevice(content)));
    const lengths = outputs.map(({ shape }) => sizeOf(shape));
    return after(views, (each) =>
      after(
        this.device.runProgram(program, each, lengths, () => count(this.launches, kernel)),
        (views) => views.map((view, index) => this.contentOf(view, outputs[index].dtype)),
      ),
    );
  }

  private contentOf(view: View, dtype: DType): Content {
    const content = new Content(dtype, undefined, view);
    this.device.watch(content);
    return content;
  }

  private runOnHost<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    contents: readonly Content[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): Maybe<Content[]> {
    count(this.fallbacks, kernel);
    const values = all(contents.map((content) => this.device.toHost(content)));
    return after(values, (each) => {
      const operands = inputs.map(({ shape, dtype }, index) => ({ shape, dtype, values: each[index] }));
      return runReferenceKernel(kernel, operands, attributes, outputs).map(
        (result, index) => new Content(outputs[index].dtype, result, undefined),
      );
    });
  }

  private store({ dtype, length }: Storage, content: Maybe<Content>): GpuJsStorage {
    return new GpuJsStorage(dtype, length, content, (released) => {
      if (released instanceof Promise) {
        released.then(
          (settled) => this.device.free(settled),
          () => undefined,
        );
      } else {
        this.device.free(released);
      }
    });
  }

  private own(storage: Storage): GpuJsStorage {
    if (!(storage instanceof GpuJsStorage)) {
      throw new BackendError(
        'FOREIGN_STORAGE',
        'This tensor lives on another backend; move it with tensor.to(backend) first.',
      );
    }
    if (storage.isReleased) {
      throw new BackendError('RELEASED_STORAGE', 'This tensor was released and cannot be used any more.');
    }
    return storage;
  }
}
