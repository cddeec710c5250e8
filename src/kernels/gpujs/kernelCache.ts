/**
 * Compiled kernels, built once per source, output length and lengths of the arrays read, and kept up to a bound. A kernel owns
 * what is needed to read the textures it wrote, so one that falls out of the cache is destroyed
 * only when its last texture and its last launch are gone.
 */
import { withOffsets } from './compile/sourceText.js';
import type { GpuKernel } from './types.js';

/** What of an argument a kernel is built for: the length of its array, and whether the input begins at an offset in it. */
export type ArgumentForm = 'number' | { readonly length: number; readonly shifted: boolean };

const keyOf = (form: ArgumentForm): string => (form === 'number' ? '' : `${form.length}${form.shifted ? '+' : ''}`);

export class CachedKernel {
  private users = 0;
  private evicted = false;

  constructor(readonly call: GpuKernel) {}

  /** Keeps the kernel alive until the matching `release`. */
  retain(): void {
    this.users++;
  }

  release(): void {
    this.users--;
    this.destroyIfUnused();
  }

  evict(): void {
    this.evicted = true;
    this.destroyIfUnused();
  }

  private destroyIfUnused(): void {
    if (this.evicted && this.users === 0) {
      this.call.destroy();
    }
  }
}

const sourceFor = (source: string, forms: readonly ArgumentForm[]): string =>
  withOffsets(
    source,
    forms.map((form) => form !== 'number' && form.shifted),
  );

export class KernelCache {
  /** In order of use, the least recent first. */
  private readonly kernels = new Map<string, CachedKernel>();
  built = 0;
  evicted = 0;

  constructor(
    readonly capacity: number,
    private readonly build: (source: string, length: number) => GpuKernel,
  ) {}

  get size(): number {
    return this.kernels.size;
  }

  /**
   * The kernel that computes `length` elements with `source`, built if need be.
   * @param forms Of its arguments. The offsets of shifted ones follow them as numbers.
   */
  get(source: string, length: number, forms: readonly ArgumentForm[]): CachedKernel {
    const key = `${length}:${forms.map(keyOf)}:${source}`;
    let kernel = this.kernels.get(key);
    if (kernel === undefined) {
      kernel = new CachedKernel(this.build(sourceFor(source, forms), length));
      this.built++;
    } else {
      this.kernels.delete(key);
    }
    this.kernels.set(key, kernel);
    if (this.kernels.size > this.capacity) {
      const [oldestKey, oldest] = this.kernels.entries().next().value as [string, CachedKernel];
      this.kernels.delete(oldestKey);
      this.evicted++;
      oldest.evict();
    }
    return kernel;
  }

  clear(): void {
    for (const kernel of this.kernels.values()) {
      kernel.evict();
    }
    this.kernels.clear();
  }
}
