/**
 * What goes wrong with a graphics device while it computes: it is lost (a driver restarts, the system takes the GPU away, the
 * browser's GPU process ends), or its memory is full. Both APIs report this beside the calls that are hit and go on as if
 * nothing had happened, with results that are zeros. Here it becomes a `BackendError` of the next call, and of the calls that
 * wait at that time. Such a backend stays unusable: what it computes after a fault would rest on values that are not there.
 */
import { BackendError } from '../../errors.js';
import type { GpuJsMode } from './library.js';
import type { Maybe } from './maybe.js';

/** From this many bytes on a result is checked at once whether there was room for it. The check waits for the GPU. */
const LARGE = 16 * 2 ** 20;
/** A lost WebGPU device can reject what waits for it a moment before it says that it is lost. */
const LOSS_NOTICE = 100;
const WEBGL_OUT_OF_MEMORY = 0x0505;
/** WebGL keeps one flag of each kind of error. */
const WEBGL_ERROR_KINDS = 8;

/** What GPU.js and WebGPU say of an array that is larger than the device's largest texture or buffer. */
const TOO_LARGE = /larger than (supported|maximum) size|but this device allows|over this device's limit/i;
const NO_MEMORY = /out of memory|memory allocation|not enough memory/i;

interface WebGlContext {
  readonly canvas?: EventTarget;
  isContextLost(): boolean;
  getError(): number;
}

interface WebGpuContext {
  readonly device: EventTarget & { readonly lost: Promise<{ readonly message: string }> };
}

const isWebGl = (context: object): context is WebGlContext => 'isContextLost' in context && 'getError' in context;
const isWebGpu = (context: object): context is WebGpuContext => 'device' in context && 'adapter' in context;

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

export const megabytes = (bytes: number): string => {
  const value = bytes / 1e6;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MB`;
};

const ADVICE =
  "Go on elsewhere or here: `await init({ backend: 'wasm' })` (or another backend), build the model, the optimizer and the " +
  'data anew, and load the last checkpoint into them.';

export class DeviceFaults {
  /** What every later call fails with. */
  #fault: BackendError | null = null;
  #closed = false;
  #webGl: WebGlContext | null = null;
  #watched: object | null = null;
  /** Ends what waits for the device now. */
  readonly #waiting = new Set<(fault: BackendError) => void>();

  /**
   * @param bytesInUse How much is on the device now, for messages.
   */
  constructor(
    private readonly mode: GpuJsMode,
    private readonly bytesInUse: () => number,
  ) {}

  /** Watches the context that kernels run in, as soon as there is one. */
  watch(context: unknown): void {
    if (typeof context !== 'object' || context === null || context === this.#watched) return;
    this.#watched = context;
    if (isWebGl(context)) {
      this.#webGl = context;
      context.canvas?.addEventListener('webglcontextlost', () => this.#lose('the WebGL context was lost'));
    } else if (isWebGpu(context)) {
      const { device } = context;
      device.addEventListener('uncapturederror', (event) => {
        const { error } = event as Event & { readonly error?: Error };
        if (error?.constructor.name === 'GPUOutOfMemoryError' || NO_MEMORY.test(error?.message ?? '')) this.#runOut();
      });
      device.lost.then(({ message }) => this.#lose(message || 'the WebGPU device was lost'));
    }
  }

  /** @throws BackendError if the device had a fault */
  check(): void {
    if (!this.#fault && this.#webGl?.isContextLost()) this.#lose('the WebGL context was lost');
    if (this.#fault) throw this.#fault;
  }

  /** To be called after a launch whose result takes so many bytes. @throws BackendError */
  afterLaunch(bytes: number): void {
    if (bytes >= LARGE) this.#askWebGl(bytes);
    this.check();
  }

  /** To be called when values have arrived from the device; reading waits for it anyway. @throws BackendError */
  afterRead(): void {
    this.#askWebGl();
    this.check();
  }

  /** Runs something on the device; every way in which it fails is a `BackendError`. @param what As in 'while running a kernel'. */
  guard<T>(what: string, start: () => Maybe<T>): Maybe<T> {
    try {
      const result = start();
      return result instanceof Promise ? this.#untilFault(what, result) : result;
    } catch (cause) {
      throw this.#failure(what, cause);
    }
  }

  /** From now on a loss is no fault: the backend gives the device back. */
  close(): void {
    this.#closed = true;
  }

  /** The promise, which also ends when the device has a fault. */
  #untilFault<T>(what: string, promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const end = (): void => void this.#waiting.delete(reject);
      promise.then(
        (value) => {
          end();
          resolve(value);
        },
        async (cause: unknown) => {
          if (!(cause instanceof BackendError) && !this.#fault) await this.#notice();
          end();
          reject(this.#failure(what, cause));
        },
      );
    });
  }

  /** Gives a device that is about to say that it is lost the time to do so. */
  #notice(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.mode === 'webgpu' ? LOSS_NOTICE : 0));
  }

  #askWebGl(asked?: number): void {
    for (let kind = 0; this.#webGl && kind < WEBGL_ERROR_KINDS; kind++) {
      const error = this.#webGl.getError();
      if (error === 0) return;
      if (error === WEBGL_OUT_OF_MEMORY) this.#runOut(asked);
    }
  }

  #lose(reason: string): void {
    this.#fail(
      new BackendError(
        'DEVICE_LOST',
        `The GPU that GPU.js uses in its ${this.mode} mode was lost (${reason}). Tensors that were only there are gone. ${ADVICE}`,
        { mode: this.mode },
      ),
    );
  }

  #runOut(asked?: number): void {
    const bytes = this.bytesInUse();
    const request = asked === undefined ? '' : ` when ${megabytes(asked)} were asked for`;
    this.#fail(
      new BackendError(
        'OUT_OF_GPU_MEMORY',
        `The GPU ran out of memory in GPU.js's ${this.mode} mode${request}; QuantGrad has ${megabytes(bytes)} there. What was computed ` +
          `since the last value was read may be wrong. Use smaller batches, smaller images or a smaller model, or the 'wasm' backend. ${ADVICE}`,
        { mode: this.mode, bytesAsked: asked, bytesInUse: bytes },
      ),
    );
  }

  #fail(fault: BackendError): void {
    if (this.#fault || this.#closed) return;
    this.#fault = fault;
    for (const reject of this.#waiting) reject(fault);
    this.#waiting.clear();
  }

  #failure(what: string, cause: unknown): BackendError {
    if (cause instanceof BackendError) return cause;
    const reason = textOf(cause);
    if (!this.#fault && (this.#webGl?.isContextLost() || /\blost\b/i.test(reason))) this.#lose(reason);
    if (!this.#fault && NO_MEMORY.test(reason)) this.#runOut();
    if (this.#fault) return this.#fault;
    const { mode } = this;
    if (TOO_LARGE.test(reason)) {
      return new BackendError(
        'GPU_ARRAY_TOO_LARGE',
        `A tensor is larger than this GPU's largest texture or buffer in GPU.js's ${mode} mode: ${reason}. Use smaller batches or ` +
          "images, or the 'wasm' backend, which has no such limit. The backend goes on working with other tensors.",
        { mode },
        cause,
      );
    }
    return new BackendError(
      'KERNEL_FAILED',
      `GPU.js failed at ${what} in its ${mode} mode: ${reason}`,
      { mode },
      cause,
    );
  }
}
