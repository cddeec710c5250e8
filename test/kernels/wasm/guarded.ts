/**
 * Runs the call of a WebAssembly kernel in a memory of its own, full of NaN: results do not depend on what scratch memory
 * held before, nothing is read from beside a buffer that matters, and nothing beside the outputs and scratch changes.
 */
import { expect } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import { allocateArray, bytesPerElement, type TypedArray } from '../../../src/kernels/dtype.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { ModuleBuilder } from '../../../src/kernels/wasm/assembler/module.js';
import { type KernelOptions, PORTABLE, type WasmCall, type WasmKernel } from '../../../src/kernels/wasm/kernel.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { operand, sizeOf } from '../conformance/kernelCase.js';

const PAGE = 65536;
/** Bytes between two buffers. */
const GUARD = 256;
const CANARY = 0x7fc0dead;

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

const sameBits = (a: TypedArray, b: TypedArray): boolean => bytesOf(a).equals(bytesOf(b));

type Runner = (...values: number[]) => void;

function compile(call: WasmCall, options: KernelOptions, memory: WebAssembly.Memory, pages: number): Runner[] {
  const builder = new ModuleBuilder({ initialPages: 1, maximumPages: pages, shared: false }, options);
  call.build(builder, options);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), { env: { memory } });
  return call.phases.map(({ name }) => exports[name] as Runner);
}

/** The outputs of a call. With `backwards` the units of a phase run one by one, the last first. */
export function runGuarded(
  call: WasmCall,
  inputs: readonly HostOperand[],
  outputs: readonly TensorType[],
  { backwards = false, options = PORTABLE }: { backwards?: boolean; options?: KernelOptions } = {},
): TypedArray[] {
  const sizes = [...inputs, ...outputs].map(({ shape, dtype }) => sizeOf(shape) * bytesPerElement(dtype));
  if (call.scratchBytes) sizes.push(call.scratchBytes);
  let end = GUARD;
  const addresses = sizes.map((bytes) => {
    const address = end;
    // Buffers begin on cache lines, as in the backend's heap, and end where they end.
    end = Math.ceil((address + bytes + GUARD) / 64) * 64;
    return address;
  });
  const pages = Math.ceil(end / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Uint32Array(memory.buffer).fill(CANARY);
  const pristine = Buffer.from(new Uint8Array(memory.buffer).slice());
  const view = ({ shape, dtype }: TensorType, index: number): TypedArray => {
    const ArrayClass = allocateArray(dtype, 0).constructor as new (
      buffer: ArrayBuffer,
      offset: number,
      length: number,
    ) => TypedArray;
    return new ArrayClass(memory.buffer, addresses[index], sizeOf(shape));
  };
  inputs.forEach((input, index) => {
    view(input, index).set(input.values);
  });
  const functions = compile(call, options, memory, pages);
  const fixed = [...addresses, ...(call.scalars ?? [])];
  call.phases.forEach(({ units }, phase) => {
    if (backwards) for (let unit = units - 1; unit >= 0; unit--) functions[phase](...fixed, unit, unit + 1);
    else if (units > 0) functions[phase](...fixed, 0, units);
  });
  inputs.forEach((input, index) => {
    expect(sameBits(view(input, index), input.values), `input ${index} is unchanged`).toBe(true);
  });
  const results = outputs.map((output, index) => view(output, inputs.length + index).slice());
  const bytes = Buffer.from(memory.buffer);
  addresses.forEach((address, index) => {
    bytes.set(pristine.subarray(address, address + sizes[index]), address);
  });
  expect(bytes.equals(pristine), 'bytes outside the buffers are unchanged').toBe(true);
  return results;
}

export interface Comparison<K extends KernelName> {
  readonly kernel: K;
  readonly inputs: readonly HostOperand[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
  /**
   * How far a float may be off, as a part of the sum of the absolute values of its terms. Default: 1e-6, the rounding of
   * some hundred additions in single precision; the reference adds in double.
   */
  readonly tolerance?: number;
  /** What the kernel may use; plain SIMD by default. */
  readonly options?: KernelOptions;
}

const absolute = ({ shape, dtype, values }: HostOperand): HostOperand =>
  operand(shape, Float64Array.from(values as Float32Array, Math.abs), dtype);

/** Checks a kernel against the reference, its guards, and that the order of its units changes no bit. */
export function expectAsReference<K extends KernelName>(comparison: Comparison<K>): void {
  const { kernel, inputs, attributes, outputs, tolerance = 1e-6, options = PORTABLE } = comparison;
  const call = (WASM_KERNELS[kernel] as WasmKernel<K>)(inputs, attributes, outputs);
  if (call === null) throw new Error(`${kernel} is not covered for ${JSON.stringify({ inputs, attributes })}`);
  const results = runGuarded(call, inputs, outputs, { options });
  runGuarded(call, inputs, outputs, { options, backwards: true }).forEach((result, output) => {
    expect(sameBits(result, results[output]), `output ${output} has the same bits in another order`).toBe(true);
  });
  const expected = runReferenceKernel(kernel, inputs, attributes, outputs);
  const sums = runReferenceKernel(kernel, inputs.map(absolute), attributes, outputs);
  results.forEach((result, output) => {
    const exact = outputs[output].dtype !== 'float32';
    result.forEach((value, index) => {
      const want = expected[output][index];
      const allowed = exact ? 0 : tolerance * Math.abs(sums[output][index]);
      if (!(value === want || Math.abs(value - want) <= allowed)) {
        expect.fail(`${kernel}: output ${output} [${index}] is ${value}, expected ${want} within ${allowed}`);
      }
    });
  });
}
