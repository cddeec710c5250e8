/**
 * The part of GPU.js that this backend uses. GPU.js ships its own declarations, but its package is
 * not installed where ours is, and this is also the list of what another version must keep.
 */

/** Values on the device: a WebGL texture or a WebGPU buffer. */
export interface GpuTexture {
  /** The values; a promise in WebGPU. */
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
}

export type GpuArray = Float32Array | GpuTexture;

/** A compiled kernel: called with its arguments it gives its output. */
export interface GpuKernel {
  (...args: (GpuArray | number)[]): GpuArray | Promise<GpuArray>;
  /** Frees the program and what it keeps, and with WebGL makes the textures it wrote unreadable. */
  destroy(): void;
  /** What the callable stands for. */
  readonly kernel: {
    /** Why GPU.js moved this kernel to its CPU mode; null or absent when it did not. */
    readonly fallbackReason?: string | null;
    /** The WebGL context, or WebGPU's adapter and device once the kernel has been built. */
    readonly context?: unknown;
  };
}

export interface GpuKernelSettings {
  readonly output: readonly number[];
  readonly precision: 'single';
  /** Declares floats `highp`. */
  readonly tactic: 'precision';
  /** Results stay on the device. */
  readonly pipeline: boolean;
  /** Every result has memory of its own. */
  readonly immutable: boolean;
  /** Results are promises. */
  readonly asyncMode: boolean;
}

export interface Gpu {
  createKernel(source: string, settings: GpuKernelSettings): GpuKernel;
  destroy(): Promise<void>;
  /** The WebGL context in the WebGL modes, once a kernel exists. */
  readonly context: unknown;
}

export interface GpuConstructor {
  new (settings: { readonly mode: string }): Gpu;
  readonly isWebGL2Supported: boolean;
  /** Whether float textures can be rendered to and read. */
  readonly isSinglePrecisionSupported: boolean;
  readonly isWebAssemblySupported: boolean;
  /** Asks for an adapter. */
  isWebGPUAvailable(): Promise<boolean>;
}
