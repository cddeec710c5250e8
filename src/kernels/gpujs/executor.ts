/**
 * Runs kernels on contents: their programs on the device, or reference kernels on the host. Both what the backend is told to
 * run call by call and compiled programs come here, and here it is counted.
 */
import type { KernelAttributes, KernelName, TensorType } from '../contract.js';
import type { DType } from '../dtype.js';
import { runReferenceKernel } from '../reference/backend.js';
import type { Device, Place } from './device.js';
import { after, all, type Maybe } from './maybe.js';
import { type Program, type Step, sizeOf } from './program.js';
import { Content, Lease, View } from './storage.js';

/** Numbers by kernel. */
export type KernelCounts = Partial<Record<KernelName, number>>;

const count = (counts: KernelCounts, kernel: KernelName): void => {
  counts[kernel] = (counts[kernel] ?? 0) + 1;
};

export class Executor {
  readonly launches: KernelCounts = {};
  readonly fallbacks: KernelCounts = {};

  constructor(readonly device: Device) {}

  /** Launches one step, which counts for `kernel`. Gives its whole array. */
  launch(step: Pick<Step, 'source' | 'length'>, args: readonly (Place | number)[], kernel: KernelName): Maybe<View> {
    count(this.launches, kernel);
    return this.device.launch(step, args);
  }

  /** Runs the program of a kernel. The caller owns the results. */
  runOnDevice(
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
        (results) => results.map((result, index) => this.contentOf(result, outputs[index].dtype)),
      ),
    );
  }

  /** Runs the reference kernel. The caller owns the results. */
  runOnHost<K extends KernelName>(
    kernel: K,
    inputs: readonly TensorType[],
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

  /** The content of a view, which it then owns. */
  contentOf(view: View, dtype: DType): Content {
    const content = new Content(dtype, undefined, view);
    this.device.watch(content);
    return content;
  }

  /** The same values once more, to be freed on their own. */
  copyOf({ dtype, host, device }: Content): Content {
    const content = new Content(dtype, host, undefined);
    // What is still on its way to the device has a host array.
    if (device instanceof View) {
      content.device = device.part(0, device.length);
      this.device.watch(content);
    }
    return content;
  }

  /** Keeps a content until the lease is released. */
  lease(content: Maybe<Content>): Lease {
    if (content instanceof Promise) {
      // A failure is reported by whoever reads it; a result that nobody reads must not end the process.
      content.catch(() => undefined);
    }
    return new Lease(content, (released) => {
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
}
