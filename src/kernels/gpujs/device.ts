/**
 * GPU.js behind a small surface: launch a program's steps, bring values to the device, read them
 * back. This is the only file that calls it. Every failure leaves here as a `BackendError`.
 */
import { BackendError } from '../../errors.js';
import type { TypedArray } from '../dtype.js';
import { Packer } from './compile/packing.js';
import { DeviceFaults } from './faults.js';
import { type ArgumentForm, KernelCache } from './kernelCache.js';
import type { GpuJsMode } from './library.js';
import { after, all, lastly, type Maybe } from './maybe.js';
import { type Program, placeOf, type Step } from './program.js';
import { type Content, DeviceArray, type DeviceCounter, type FlatArray, View } from './storage.js';
import type { Gpu, GpuArray, GpuConstructor, GpuKernel } from './types.js';
import { fromFloat32, toFloat32 } from './wholeNumbers.js';

/** Copies a host array to the device. */
const UPLOAD_SOURCE = 'function (x) { return x[this.thread.x]; }';

/**
 * Most arrays that a launch reads. WebGL 2 promises 16 textures in a fragment shader, and WebGPU 8 storage buffers in a
 * stage, of which one is the output. The modes without a device get what WebGL gets.
 */
const MOST_ARRAYS: Readonly<Record<GpuJsMode, number>> = { cpu: 16, webasm: 16, webgl2: 16, webgpu: 7 };

/** Where an argument's elements begin. */
export type Place = Pick<View, 'array' | 'offset'>;

const isPlace = (value: Place | Float32Array | number): value is Place => typeof value === 'object' && 'array' in value;

const formOf = (value: Place | Float32Array | number): ArgumentForm => {
  if (typeof value === 'number') return 'number';
  return isPlace(value)
    ? { length: value.array.length, shifted: value.offset > 0 }
    : { length: value.length, shifted: false };
};

const gpuArrayOf = (array: FlatArray): GpuArray => (array instanceof DeviceArray ? array.texture : array);

export interface DeviceOptions {
  readonly mode: GpuJsMode;
  readonly asynchronous: boolean;
  /** Most compiled kernels to keep. */
  readonly kernelCapacity: number;
}

export class Device {
  readonly kernels: KernelCache;
  readonly arrays: DeviceCounter = { live: 0, bytes: 0 };
  uploads = 0;
  readbacks = 0;

  private readonly gpu: Gpu;
  private readonly packer: Packer;
  readonly faults: DeviceFaults;
  /** Most arrays that a launch reads. */
  readonly mostArrays: number;
  /** Whether values live outside JavaScript's memory. */
  private readonly hasOwnMemory: boolean;
  private disposed = false;
  /** Frees the views of contents that were collected without having been released. */
  private readonly leftovers = new FinalizationRegistry<View>((view) => view.free());

  constructor(
    GPU: GpuConstructor,
    private readonly options: DeviceOptions,
  ) {
    const { mode } = options;
    this.gpu = new GPU({ mode });
    this.mostArrays = MOST_ARRAYS[mode];
    this.packer = new Packer(this.mostArrays);
    this.hasOwnMemory = mode === 'webgl2' || mode === 'webgpu';
    this.faults = new DeviceFaults(mode, () => this.arrays.bytes);
    this.kernels = new KernelCache(options.kernelCapacity, (source, length) => this.build(source, length));
  }

  /**
   * Runs a program with as few launches as packing can do.
   * @param lengths Of its outputs.
   * @param onLaunch Is called for every launch.
   * @returns Its outputs, which the caller frees.
   */
  runProgram(
    program: Program,
    inputs: readonly View[],
    lengths: readonly number[],
    onLaunch: () => void,
  ): Maybe<View[]> {
    const { steps, outputs } = this.packer.pack(program);
    /** The whole arrays that the steps compute. */
    const results: Maybe<View>[] = [];
    return lastly(
      () => {
        for (const step of steps) {
          const values = all(
            step.arguments.map((argument): Maybe<Place | number> => {
              if (typeof argument === 'number') return argument;
              if ('input' in argument) return inputs[argument.input];
              const { offset = 0 } = argument;
              return after(results[argument.step], ({ array }) => ({ array, offset }));
            }),
          );
          onLaunch();
          results.push(after(values, (each) => this.launch(step, each)));
        }
        return after(all(results), (arrays) =>
          outputs.map((place, index) => {
            const { step, offset } = placeOf(place);
            return arrays[step].part(offset, lengths[index]);
          }),
        );
      },
      () => {
        for (const result of results) this.discard(result);
      },
    );
  }

  /** The values where kernels read them: on the device, copied there at most once, if it has memory of its own. */
  toDevice(content: Content): Maybe<View> {
    if (content.device !== undefined) {
      return content.device;
    }
    this.uploads++;
    const values = toFloat32(content.host as TypedArray);
    const uploaded = this.hasOwnMemory
      ? after(this.launch({ source: UPLOAD_SOURCE, length: values.length }, [values]), (view) => {
          content.device = view;
          this.watch(content);
          return view;
        })
      : new View(values, 0, values.length);
    content.device = uploaded;
    return uploaded;
  }

  /** The values as a host array, which is kept beside the device's. */
  toHost(content: Content): Maybe<TypedArray> {
    if (content.host !== undefined) {
      return content.host;
    }
    this.check();
    this.readbacks++;
    return after(content.device as Maybe<View>, ({ array, offset, length }) => {
      const values =
        array instanceof DeviceArray ? this.faults.guard('reading a result', () => array.texture.toArray()) : array;
      return after(values, (whole) => {
        this.faults.afterRead();
        // What a device gives is a copy already; of a pack, only the part is kept.
        const part =
          array instanceof DeviceArray && length < whole.length
            ? whole.slice(offset, offset + length)
            : whole.subarray(offset, offset + length);
        content.host = fromFloat32(part, content.dtype);
        return content.host;
      });
    });
  }

  /** Frees the view of a content when the content is collected. Call it when the view is set. */
  watch(content: Content): void {
    if (content.device instanceof View && content.device.array instanceof DeviceArray) {
      this.leftovers.register(content, content.device, content.device);
    }
  }

  /** Frees the view of a content now, or when it arrives. */
  free(content: Content): void {
    if (content.device !== undefined) {
      this.discard(content.device);
    }
  }

  async dispose(): Promise<void> {
    if (!this.disposed) {
      this.disposed = true;
      this.faults.close();
      this.kernels.clear();
      await this.gpu.destroy();
    }
  }

  /** Frees a view now, or when it arrives. */
  discard(view: Maybe<View>): void {
    if (view instanceof Promise) {
      // A launch that failed has nothing to free, and reports its error to whoever reads its output.
      view.then(
        (settled) => this.discard(settled),
        () => undefined,
      );
    } else {
      this.leftovers.unregister(view);
      view.free();
    }
  }

  private build(source: string, length: number): GpuKernel {
    const { mode, asynchronous } = this.options;
    return this.gpu.createKernel(source, {
      output: [length],
      precision: 'single',
      tactic: 'precision',
      pipeline: this.hasOwnMemory,
      immutable: this.hasOwnMemory,
      // Under this setting the `webasm` mode uses web workers, which Node lacks.
      asyncMode: asynchronous && (mode !== 'webasm' || typeof Worker === 'function'),
    });
  }

  /** Launches a step; gives its whole array, which the caller frees. */
  launch(step: Pick<Step, 'source' | 'length'>, args: readonly (Place | Float32Array | number)[]): Maybe<View> {
    this.check();
    const forms = args.map(formOf);
    const values: (GpuArray | number)[] = args.map((value) => (isPlace(value) ? gpuArrayOf(value.array) : value));
    for (const value of args) if (isPlace(value) && value.offset > 0) values.push(value.offset);
    return this.faults.guard('running a kernel', () => {
      const kernel = this.kernels.get(step.source, step.length, forms);
      kernel.retain();
      return lastly(
        () =>
          after(this.settle(kernel.call(...values)), (result) => {
            // WebGPU's context is there when its first kernel is.
            this.faults.watch(kernel.call.kernel.context ?? this.gpu.context);
            const reason = kernel.call.kernel.fallbackReason;
            if (reason) {
              throw new Error(`GPU.js moved the kernel off the device: ${reason}`);
            }
            const array =
              result instanceof Float32Array ? result : new DeviceArray(result, step.length, kernel, this.arrays);
            this.faults.afterLaunch(array instanceof DeviceArray ? array.bytes : 0);
            return new View(array, 0, step.length);
          }),
        () => kernel.release(),
      );
    });
  }

  /** Under the asynchronous contract everything arrives later, also what a mode computes at once. */
  private settle<T>(value: Maybe<T>): Maybe<T> {
    return this.options.asynchronous ? Promise.resolve(value) : value;
  }

  private check(): void {
    if (this.disposed) {
      throw new BackendError('BACKEND_DISPOSED', 'This GPU.js backend was disposed of. Create another one.');
    }
    this.faults.check();
  }
}
