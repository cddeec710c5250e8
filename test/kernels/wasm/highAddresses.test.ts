/**
 * Addresses are unsigned: every kernel computes the same bits when its buffers lie across 2 GiB, where a signed number
 * would become negative, and at the end of the 4 GiB that 32 bits reach. Memory that nobody touches costs nothing, so
 * that this needs a few megabytes.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import { arrayConstructor, bytesPerElement, type DType, type TypedArray } from '../../../src/kernels/dtype.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { ModuleBuilder } from '../../../src/kernels/wasm/assembler/module.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { PORTABLE, type WasmCall, type WasmKernel } from '../../../src/kernels/wasm/kernel.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { PLAN_CASES } from '../../graph/planCases.js';
import { losses, observe } from '../../graph/planTools.js';
import { KERNEL_CASES } from '../conformance/cases/index.js';
import { createRandom, type KernelCase, sizeOf, uniform } from '../conformance/kernelCase.js';
import { type Convolution, MINIMAL_CONVOLUTIONS, NAMED_CONVOLUTIONS } from './convolutionCases.js';

const PAGE = 65536;
const PAGES = 65536;
const GIB = 2 ** 30;
const GUARD = 64;
const CANARY = 0xa5;
/** Where buffers lie when nothing is special. */
const LOW = 2 ** 20;
/** The last page stays unused: the end of a buffer there would be address 0. */
const TOP = 4 * GIB - PAGE;

const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });

const bytesOf = ({ shape, dtype }: TensorType): number => sizeOf(shape) * bytesPerElement(dtype);

function view(dtype: DType, address: number, length: number): TypedArray {
  const ArrayClass = arrayConstructor(dtype) as unknown as new (
    buffer: ArrayBuffer,
    offset: number,
    length: number,
  ) => TypedArray;
  return new ArrayClass(memory.buffer, address, length);
}

/** A call that can run anywhere in the memory. */
class Placed {
  readonly #inputs: readonly HostOperand[];
  readonly #outputs: readonly TensorType[];
  readonly #call: WasmCall;
  readonly #functions: readonly ((...values: number[]) => void)[];
  /** From the first buffer, of each buffer; the last one is the end. */
  readonly offsets: readonly number[];
  readonly #sizes: readonly number[];

  constructor(call: WasmCall, inputs: readonly HostOperand[], outputs: readonly TensorType[]) {
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#call = call;
    this.#sizes = [...[...inputs, ...outputs].map(bytesOf), ...(call.scratchBytes ? [call.scratchBytes] : [])];
    let end = 0;
    this.offsets = [
      ...this.#sizes.map((bytes) => {
        const offset = end;
        end = Math.ceil((offset + bytes + GUARD) / 64) * 64;
        return offset;
      }),
      end,
    ];
    const builder = new ModuleBuilder({ initialPages: 1, maximumPages: PAGES, shared: false });
    call.build(builder, PORTABLE);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), { env: { memory } });
    this.#functions = call.phases.map(({ name }) => exports[name] as (...values: number[]) => void);
  }

  get buffers(): number {
    return this.#sizes.length;
  }

  middleOf(buffer: number): number {
    return this.offsets[buffer] + Math.floor(this.#sizes[buffer] / 2);
  }

  /** The outputs, with the first buffer at `base`, a multiple of 64. */
  runAt(base: number): TypedArray[] {
    const addresses = this.#sizes.map((_, index) => base + this.offsets[index]);
    const [end] = this.offsets.slice(-1);
    const window = new Uint8Array(memory.buffer, base - GUARD, end + GUARD);
    window.fill(CANARY);
    this.#inputs.forEach(({ dtype, shape, values }, index) => {
      view(dtype, addresses[index], sizeOf(shape)).set(values);
    });
    this.#call.phases.forEach(({ units }, phase) => {
      if (units > 0) this.#functions[phase](...addresses, ...(this.#call.scalars ?? []), 0, units);
    });
    const results = this.#outputs.map(({ dtype, shape }, index) =>
      view(dtype, addresses[this.#inputs.length + index], sizeOf(shape)).slice(),
    );
    addresses.forEach((address, index) => {
      new Uint8Array(memory.buffer, address, this.#sizes[index]).fill(CANARY);
    });
    // With the same byte everywhere, the window equals itself moved by one.
    const bytes = Buffer.from(memory.buffer, window.byteOffset, window.byteLength);
    const isPristine = bytes[0] === CANARY && bytes.subarray(1).equals(bytes.subarray(0, -1));
    expect(isPristine, 'bytes outside the buffers are unchanged').toBe(true);
    return results;
  }
}

const bitsOf = ({ buffer, byteOffset, byteLength }: TypedArray): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

function expectSameAnywhere<K extends KernelName>(
  kernel: K,
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
  name: string,
): void {
  const call = (WASM_KERNELS[kernel] as WasmKernel<K> | undefined)?.(inputs, attributes, outputs);
  if (!call) return;
  const placed = new Placed(call, inputs, outputs);
  const wanted = placed.runAt(LOW);
  const [end] = placed.offsets.slice(-1);
  const down = (address: number): number => Math.floor(address / 64) * 64;
  // Each buffer across 2 GiB, then all behind it, then all at the end.
  const bases = Array.from({ length: placed.buffers }, (_, buffer) => down(2 * GIB - placed.middleOf(buffer)));
  for (const base of [...bases, 2 * GIB + 64, down(TOP - end)]) {
    placed.runAt(base).forEach((result, output) => {
      const isSame = bitsOf(result).equals(bitsOf(wanted[output]));
      expect(isSame, `${name}, output ${output}, from address ${base}`).toBe(true);
    });
  }
}

describe('buffers across 2 GiB and at the end of 4', () => {
  for (const kernel of Object.keys(KERNEL_CASES) as KernelName[]) {
    it(kernel, () => {
      for (const each of KERNEL_CASES[kernel] as readonly KernelCase<KernelName>[]) {
        const inputs = each.inputs(createRandom(7));
        expectSameAnywhere(kernel, inputs, each.attributes as KernelAttributes[KernelName], each.outputs, each.name);
      }
    });
  }

  const types = ({ x, w, y }: Convolution): readonly HostOperand[] =>
    [x, w, y].map((shape) => uniform(createRandom(3), shape));
  it.each([...NAMED_CONVOLUTIONS, ...MINIMAL_CONVOLUTIONS])('convolutions with several blocks: %s', (name, one) => {
    const [x, w, g] = types(one);
    const plain = ({ shape, dtype }: HostOperand): TensorType => ({ shape, dtype });
    expectSameAnywhere('conv2d', [x, w], one.attributes, [plain(g)], name);
    expectSameAnywhere('conv2dInputGradient', [g, w], one.attributes, [plain(x)], name);
    expectSameAnywhere('conv2dFilterGradient', [x, g], one.attributes, [plain(w)], name);
  });

  it('matrix products with several blocks', () => {
    for (const [rows, depth, columns] of [
      [130, 300, 70],
      [1, 257, 9],
      [65, 3, 140],
    ]) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const a = uniform(createRandom(1), transposeA ? [depth, rows] : [rows, depth]);
        const b = uniform(createRandom(2), transposeB ? [columns, depth] : [depth, columns]);
        const output: TensorType = { shape: [rows, columns], dtype: 'float32' };
        expectSameAnywhere('matMul', [a, b], { transposeA, transposeB }, [output], `${rows} ${depth} ${columns}`);
      }
    }
  });
});

describe('a heap that begins below 2 GiB and below its end', () => {
  const backends: WasmBackend[] = [];
  const backendAt = async (firstAddress: number): Promise<WasmBackend> => {
    const backend = WasmBackend.create({ limit: 4 * GIB, firstAddress, threads: 2, minimumShared: 1 });
    await backend.setThreads(2);
    backends.push(backend);
    return backend;
  };
  afterAll(() => Promise.all(backends.map((backend) => backend.dispose())));

  it.each(['residual', 'depthwise', 'dropout'] as const)('trains with the bits of any other: %s', async (name) => {
    const each = PLAN_CASES[name];
    const places = [64, 2 * GIB - 150_016, 4 * GIB - 2 ** 25];
    const results: unknown[] = [];
    for (const place of places) {
      const way = { backend: await backendAt(place), planned: true };
      results.push([await observe(each, 'quantized', way), await losses(each, 'quantized', way, 'SGD', 3)]);
      expect(way.backend.info().heapSize).toBeGreaterThan(place);
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('is full at 4 GiB with an error that says what to do, and is used afterwards', async () => {
    const backend = await backendAt(4 * GIB - 2 ** 23);
    const shape = [2 ** 20];
    const x = {
      shape,
      dtype: 'float32' as const,
      storage: backend.upload(new Float32Array(2 ** 19).fill(2), 'float32'),
    };
    const sum = (): number => {
      const [result] = backend.run(
        'binary',
        [
          { ...x, shape: [2 ** 19] },
          { ...x, shape: [2 ** 19] },
        ],
        { function: 'add' },
        [{ shape: [2 ** 19], dtype: 'float32' }],
      );
      const [value] = backend.readSync(result);
      backend.release(result);
      return value;
    };
    expect(sum()).toBe(4);
    expect(backend.info().fallbacks.size).toBe(0);
    let message = '';
    try {
      backend.run('broadcast', [x], {}, [{ shape: [2 ** 26, 2 ** 19], dtype: 'float32' }]);
    } catch (error) {
      ({ message } = error as Error);
    }
    expect(message).toMatch(/134217728\.0 MiB were asked for.*of 4096\.0 MiB are in use.*smaller batch/);
    expect(sum()).toBe(4);
    expect(backend.info().heapSize).toBeGreaterThan(4 * GIB - 2 ** 23);
  });
});
