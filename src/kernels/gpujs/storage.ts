/**
 * What a tensor of this backend is made of: a host array, a view of an array on the device, or both, and
 * possibly neither yet. Several tensors may be views of one array, because a kernel computes all its outputs into one.
 */
import type { Storage } from '../contract.js';
import type { DType, TypedArray } from '../dtype.js';
import type { CachedKernel } from './kernelCache.js';
import type { Maybe } from './maybe.js';
import type { GpuTexture } from './types.js';
import { fitsFloat32 } from './wholeNumbers.js';

/** Counts the device arrays that exist. */
export interface DeviceCounter {
  live: number;
  bytes: number;
}

/** An array on the device together with the kernel that wrote it, which is needed to read it. Views count their uses. */
export class DeviceArray {
  private views = 0;

  constructor(
    readonly texture: GpuTexture,
    readonly length: number,
    private readonly writer: CachedKernel,
    private readonly counter: DeviceCounter,
  ) {
    writer.retain();
    counter.live++;
    counter.bytes += this.bytes;
  }

  /** Everything on the device is float32. */
  get bytes(): number {
    return Float32Array.BYTES_PER_ELEMENT * this.length;
  }

  retain(): void {
    this.views++;
  }

  /** Frees the array with its last view. */
  release(): void {
    this.views--;
    if (this.views === 0) {
      this.counter.live--;
      this.counter.bytes -= this.bytes;
      this.texture.delete();
      this.writer.release();
    }
  }
}

/** What a kernel writes: a device array, or a host array where the mode has no memory of its own. */
export type FlatArray = DeviceArray | Float32Array;

/** Elements of an array where kernels read and write. Whoever makes a view frees it, once. */
export class View {
  private freed = false;

  constructor(
    readonly array: FlatArray,
    readonly offset: number,
    readonly length: number,
  ) {
    if (array instanceof DeviceArray) array.retain();
  }

  /** A view of a part of it, to be freed on its own. */
  part(offset: number, length: number): View {
    return new View(this.array, this.offset + offset, length);
  }

  free(): void {
    if (!this.freed) {
      this.freed = true;
      if (this.array instanceof DeviceArray) this.array.release();
    }
  }
}

/** The values of a storage. Both sides, where present, hold the same values, on the device always as float32. */
export class Content {
  private fits: boolean | undefined;

  constructor(
    readonly dtype: DType,
    public host: TypedArray | undefined,
    public device: Maybe<View> | undefined,
  ) {}

  /** Whether the device can hold the values. */
  get fitsDevice(): boolean {
    this.fits ??= this.host === undefined || this.device !== undefined || fitsFloat32(this.host);
    return this.fits;
  }
}

/** Keeps a content alive while a tensor has it, and while launches that were enqueued with it have not started. */
export class Lease {
  private pins = 0;
  private released = false;

  constructor(
    readonly content: Maybe<Content>,
    /** Frees the content; called once, when the lease is released and nothing needs it. */
    private readonly free: (content: Maybe<Content>) => void,
  ) {}

  get isReleased(): boolean {
    return this.released;
  }

  pin(): void {
    this.pins++;
  }

  unpin(): void {
    this.pins--;
    this.freeIfUnused();
  }

  release(): void {
    if (!this.released) {
      this.released = true;
      this.freeIfUnused();
    }
  }

  private freeIfUnused(): void {
    if (this.released && this.pins === 0) {
      this.free(this.content);
    }
  }
}

/** What a tensor holds. Contents never change, so one that gets new values gets another lease. */
export class GpuJsStorage implements Storage {
  constructor(
    readonly dtype: DType,
    readonly length: number,
    private current: Lease,
  ) {}

  get lease(): Lease {
    return this.current;
  }

  /** Gives up the present values for others. */
  replace(lease: Lease): void {
    this.current.release();
    this.current = lease;
  }
}
