/**
 * GPU.js behind a small surface: launch a program's steps, bring values to the device, read them
 * back. This is the only file that calls it. Every failure leaves here as a `BackendError`.
 */
import { BackendError } from '../../errors.js';
import type { TypedArray } from '../dtype.js';
import { KernelCache } from './kernelCache.js';
import type { GpuJsMode } from './library.js';
import { after, all, lastly, type Maybe } from './maybe.js';
import type { Program, Step } from './program.js';
import { type Content, DeviceArray, type DeviceCounter, type Values } from './storage.js';
import type { Gpu, GpuArray, GpuConstructor, GpuKernel } from './types.js';

/** Copies a host array to the device. */
const UPLOAD_SOURCE = 'function (x) { return x[this.thread.x]; }';

/** The part of a WebGL context that says whether it still works. */
interface LosableContext {
  isContextLost?(): boolean;
}

export interface DeviceOptions {
  readonly mode: GpuJsMode;
  readonly asynchronous: boolean;
  /** Most compiled kernels to keep. */
  readonly kernelCapacity: number;
}

export class Device {
  readonly kernels: KernelCache;
  readonly arrays: DeviceCounter = { live: 0 };
  uploads = 0;
  readbacks = 0;

  private readonly gpu: Gpu;
  /** Whether values live outside JavaScript's memory. */
  private readonly hasOwnMemory: boolean;
  private disposed = false;
  /** Frees device arrays whose content was collected without having been released. */
  private readonly leftovers = new FinalizationRegistry<DeviceArray>((array) => array.delete());

  constructor(
    GPU: GpuConstructor,
    private readonly options: DeviceOptions,
  ) {
    const { mode } = options;
    this.gpu = new GPU({ mode });
    this.hasOwnMemory = mode === 'webgl2' || mode === 'webgpu';
    this.kernels = new KernelCache(options.kernelCapacity, (source, length) => this.build(source, length));
  }

  /** Runs the steps of a program and gives its outputs. `onLaunch` is called for every launch. */
  runProgram(program: Program, inputs: readonly Values[], onLaunch: () => void): Maybe<Values[]> {
    const results: Maybe<Values>[] = [];
    return lastly(
      () => {
        for (const step of program.steps) {
          const values = all(
            step.arguments.map((argument): Maybe<Values | number> => {
              if (typeof argument === 'number') {
                return argument;
              }
              return 'input' in argument ? inputs[argument.input] : results[argument.step];
            }),
          );
          onLaunch();
          results.push(after(values, (each) => this.launch(step, each)));
        }
        return after(all(results), (values) => program.outputs.map((index) => values[index]));
      },
      () => {
        results.forEach((result, index) => {
          if (!program.outputs.includes(index)) {
            this.discard(result);
          }
        });
      },
    );
  }

  /** The values where kernels read them: on the device, copied there at most once, if it has memory of its own. */
  toDevice(content: Content): Maybe<Values> {
    if (content.device !== undefined) {
      return content.device;
    }
    const host = content.host as Float32Array;
    if (!this.hasOwnMemory) {
      return host;
    }
    this.uploads++;
    const uploaded = after(this.launch({ source: UPLOAD_SOURCE, length: host.length }, [host]), (values) => {
      content.device = values as DeviceArray;
      this.watch(content);
      return content.device;
    });
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
    return after(content.device as Maybe<DeviceArray>, (array) => {
      const values = this.guard('reading a result', () => array.texture.toArray());
      return after(values, (host) => {
        content.host = host;
        return host;
      });
    });
  }

  /** Frees the device array of a content when the content is collected. Call it when the array is set. */
  watch(content: Content): void {
    if (content.device instanceof DeviceArray) {
      this.leftovers.register(content, content.device, content.device);
    }
  }

  /** Frees the device array of a content now, or when it arrives. */
  free(content: Content): void {
    if (content.device !== undefined) {
      this.discard(content.device);
    }
  }

  async dispose(): Promise<void> {
    if (!this.disposed) {
      this.disposed = true;
      this.kernels.clear();
      await this.gpu.destroy();
    }
  }

  private discard(values: Maybe<Values>): void {
    if (values instanceof Promise) {
      // A launch that failed has nothing to free, and reports its error to whoever reads its output.
      values.then(
        (settled) => this.discard(settled),
        () => undefined,
      );
    } else if (values instanceof DeviceArray) {
      this.leftovers.unregister(values);
      values.delete();
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

  private launch(step: Pick<Step, 'source' | 'length'>, args: readonly (Values | number)[]): Maybe<Values> {
    this.check();
    const textures = args.map((value): GpuArray | number => (value instanceof DeviceArray ? value.texture : value));
    return this.guard('running a kernel', () => {
      const kernel = this.kernels.get(step.source, step.length);
      kernel.retain();
      return lastly(
        () =>
          after(this.settle(kernel.call(...textures)), (result): Values => {
            const reason = kernel.call.kernel.fallbackReason;
            if (reason) {
              throw new Error(`GPU.js moved the kernel off the device: ${reason}`);
            }
            return result instanceof Float32Array ? result : new DeviceArray(result, kernel, this.arrays);
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
    if ((this.gpu.context as LosableContext | null | undefined)?.isContextLost?.()) {
      throw this.failure('using the device', new Error('the WebGL context was lost'));
    }
  }

  /** Turns what GPU.js throws or rejects with into a `BackendError`. */
  private guard<T>(what: string, start: () => Maybe<T>): Maybe<T> {
    try {
      const result = start();
      return result instanceof Promise
        ? result.catch((cause) => {
            throw this.failure(what, cause);
          })
        : result;
    } catch (cause) {
      throw this.failure(what, cause);
    }
  }

  private failure(what: string, cause: unknown): BackendError {
    if (cause instanceof BackendError) {
      return cause;
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { mode } = this.options;
    return /\blost\b/i.test(reason)
      ? new BackendError(
          'DEVICE_LOST',
          `The device was lost while ${what} in GPU.js's ${mode} mode (${reason}). Its tensors are gone: ` +
            'create another backend and continue from the last checkpoint.',
          { mode },
          cause,
        )
      : new BackendError('KERNEL_FAILED', `GPU.js failed at ${what} in its ${mode} mode: ${reason}`, { mode }, cause);
  }
}
