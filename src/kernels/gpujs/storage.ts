/**
 * What a tensor of this backend is made of: a host array, an array on the device, or both, and
 * possibly neither yet.
 */
import type { Storage } from '../contract.js';
import type { DType, TypedArray } from '../dtype.js';
import type { CachedKernel } from './kernelCache.js';
import type { Maybe } from './maybe.js';
import type { GpuTexture } from './types.js';

/** Counts the device arrays that exist. */
export interface DeviceCounter {
  live: number;
}

/** An array on the device together with the kernel that wrote it, which is needed to read it. */
export class DeviceArray {
  private deleted = false;

  constructor(
    readonly texture: GpuTexture,
    private readonly writer: CachedKernel,
    private readonly counter: DeviceCounter,
  ) {
    writer.retain();
    counter.live++;
  }

  delete(): void {
    if (!this.deleted) {
      this.deleted = true;
      this.counter.live--;
      this.texture.delete();
      this.writer.release();
    }
  }
}

/** What a kernel takes and gives: a device array, or a host array where the mode has no device. */
export type Values = DeviceArray | Float32Array;

/** The values of a storage. Both sides, where present, hold the same values. */
export class Content {
  constructor(
    public host: TypedArray | undefined,
    public device: Maybe<DeviceArray> | undefined,
  ) {}
}

export class GpuJsStorage implements Storage {
  /** Launches that have been enqueued with this storage and have not started yet. */
  private pins = 0;
  private released = false;

  constructor(
    readonly dtype: DType,
    readonly length: number,
    readonly content: Maybe<Content>,
    /** Frees the content; called once, when the storage is released and no launch needs it. */
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
