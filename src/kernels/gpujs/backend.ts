/**
 * The GPU.js backend: training on a GPU. Results are textures
 * or buffers that stay on the device between kernels, nothing is shared with the host, and in the
 * asynchronous modes a kernel's inputs may not have been computed yet when it is enqueued.
 *
 * Kernels without a program of their own run as reference kernels on the host, at once where
 * their inputs can be read at once, else when they arrive; so every operation works in every mode.
 */
import { BackendError } from '../../errors.js';
import type { KernelAttributes, KernelName, Operand, Storage, TensorType } from '../contract.js';
import type { DType, TypedArray } from '../dtype.js';
import type { CompiledProgram, KernelProgram, ProgramBackend } from '../program.js';
import { GpuJsProgram } from './compile/gpuJsProgram.js';
import { Device } from './device.js';
import { Executor } from './executor.js';
import { writeProgram } from './kernels/index.js';
import { type GpuJsMode, loadGpuJs, resolveMode } from './library.js';
import { after, all, lastly, type Maybe } from './maybe.js';
import { sizeOf } from './program.js';
import { Content, GpuJsStorage, type Lease } from './storage.js';

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
   * Most compiled kernels to keep, by least recent use. Default 2048: a step of training has about as many kernels as
   * launches (66 for a small network, 360 for ResNet-20, a thousand for MobileNetV2), evaluation has its own, and a cache that
   * is too small by one compiles the whole step again each time. In a browser 96 in `webasm`, where each kernel has a
   * WebAssembly memory of its own, of which a page gets some 120.
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

const isBrowser = (): boolean => 'document' in globalThis || 'WorkerGlobalScope' in globalThis;

export class GpuJsBackend implements ProgramBackend {
  readonly name: string;
  readonly synchronous: boolean;

  private readonly executor: Executor;

  private constructor(
    readonly mode: GpuJsMode,
    private readonly device: Device,
    asynchronous: boolean,
  ) {
    this.name = `gpujs-${mode}`;
    this.synchronous = !asynchronous;
    this.executor = new Executor(device);
  }

  /** Loads GPU.js and starts it. Throws `BackendError` if the mode cannot run here. */
  static async create(options: GpuJsOptions = {}): Promise<GpuJsBackend> {
    const { kernelCapacity: capacity } = options;
    if (capacity !== undefined && !(Number.isInteger(capacity) && capacity >= 1)) {
      throw new BackendError('INVALID_OPTION', `kernelCapacity is ${capacity}; give a whole number of at least 1.`);
    }
    const GPU = await loadGpuJs();
    const mode = await resolveMode(GPU, options.mode ?? 'gpu');
    const kernelCapacity = capacity ?? (mode === 'webasm' && isBrowser() ? 96 : 2048);
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
    const lease = this.leaseOf(storage);
    // It may be released while its values are on their way.
    lease.pin();
    try {
      return (await this.device.toHost(await lease.content)).slice();
    } finally {
      lease.unpin();
    }
  }

  readSync(storage: Storage): TypedArray {
    const { content } = this.leaseOf(storage);
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
    const leases = inputs.map((operand) => this.leaseOf(operand.storage));
    const program = writeProgram(kernel, inputs, attributes, outputs);
    for (const lease of leases) lease.pin();
    const results = lastly(
      () =>
        after(all(leases.map(({ content }) => content)), (contents) =>
          program === undefined || !contents.every((content) => content.fitsDevice)
            ? this.executor.runOnHost(kernel, inputs, contents, attributes, outputs)
            : this.executor.runOnDevice(kernel, program, contents, outputs),
        ),
      () => {
        for (const lease of leases) lease.unpin();
      },
    );
    // Failures are the outputs' to report, of which there may be none.
    if (results instanceof Promise) results.catch(() => undefined);
    return outputs.map(({ dtype, shape }, index) =>
      this.store(
        { dtype, length: sizeOf(shape) },
        after(results, (contents) => contents[index]),
      ),
    );
  }

  compile(program: KernelProgram): CompiledProgram {
    return new GpuJsProgram(program, {
      executor: this.executor,
      leaseOf: (storage) => this.leaseOf(storage),
      store: (type, content) => this.store(type, content),
    });
  }

  release(storage: Storage): void {
    if (storage instanceof GpuJsStorage) {
      storage.lease.release();
    }
  }

  /** Counts of what has been done, for tests, benchmarks and curiosity. */
  info(): GpuJsInfo {
    const { kernels, uploads, readbacks, arrays } = this.device;
    return {
      mode: this.mode,
      asynchronous: !this.synchronous,
      launches: { ...this.executor.launches },
      fallbacks: { ...this.executor.fallbacks },
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

  private store({ dtype, length }: Storage, content: Maybe<Content>): GpuJsStorage {
    return new GpuJsStorage(dtype, length, this.executor.lease(content));
  }

  private leaseOf(storage: Storage): Lease {
    if (!(storage instanceof GpuJsStorage)) {
      throw new BackendError(
        'FOREIGN_STORAGE',
        'This tensor lives on another backend; move it with tensor.to(backend) first.',
      );
    }
    const { lease } = storage;
    if (lease.isReleased) {
      throw new BackendError('RELEASED_STORAGE', 'This tensor was released and cannot be used any more.');
    }
    return lease;
  }
}
