/**
 * The check that 256-bit code gets before it is trusted: kernels of every kind are compiled for 256 and for 128 bits, and
 * on the same numbers must give the same bits. The 128-bit code is what the tests compare with the reference kernels.
 * Kernels that are not there yet are checked when they have come.
 * It exists because the pass that joins vectors is experimental, and one released version got a pattern wrong.
 */
import type { KernelAttributes, KernelName, TensorType } from '../contract.js';
import { bytesPerElement, type TypedArray } from '../dtype.js';
import type { ProgramOperand } from '../program.js';
import { Compiler } from './compiler.js';
import { Heap } from './heap.js';
import { type KernelFunction, sizeOf, type WasmCall, type WasmKernel, type WasmKernels } from './kernel.js';
import { type ChainCall, type ChainStep, chainCall, chainStepOf } from './kernels/chain.js';
import { WASM_KERNELS } from './kernels/index.js';
import { viewAt } from './storage.js';
import { FunctionTable } from './threads/functionTable.js';
import type { WideEngine } from './wideEngine.js';

interface CheckCase<K extends KernelName = KernelName> {
  readonly kernel: K;
  readonly inputs: readonly TensorType[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
}

/** A call, and what it works on. */
interface Checked {
  readonly name: string;
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  readonly call: WasmCall;
}

const HEAP_BYTES = 2 ** 25;

const float = (...shape: number[]): TensorType => ({ shape, dtype: 'float32' });
const check = <K extends KernelName>(
  kernel: K,
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
): CheckCase => ({ kernel, inputs, attributes, outputs }) as CheckCase;

/** A convolution of a [batch, channels, size, size] image, and both gradients. */
function convolution(batch: number, channels: number, outChannels: number, size: number, form: Form): CheckCase[] {
  const { kernel, stride = 1, groups = 1 } = form;
  const pads = [(kernel - 1) / 2, (kernel - 1) / 2];
  const attributes = { strides: [stride, stride], padsBegin: pads, padsEnd: pads, dilations: [1, 1], groups };
  const outSize = Math.floor((size - 1) / stride) + 1;
  const x = float(batch, channels, size, size);
  const w = float(outChannels, channels / groups, kernel, kernel);
  const y = float(batch, outChannels, outSize, outSize);
  return [
    check('conv2d', [x, w], attributes, [y]),
    check('conv2dInputGradient', [y, w], attributes, [x]),
    check('conv2dFilterGradient', [x, y], attributes, [w]),
  ];
}

interface Form {
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

/** Sizes leave something over behind every width of vectors and tiles. */
function checkCases(): CheckCase[] {
  const x = float(4, 6, 9, 11);
  const channel = float(6);
  const perChannel = float(1, 6, 1, 1);
  const one = float(1);
  const flat = float(1000);
  const pads = { padsBegin: [1, 1], padsEnd: [1, 1] };
  const window = { kernel: [3, 3], strides: [2, 2], ...pads };
  const pooled = float(4, 6, 5, 6);
  const grid = { levels: 255, levelLow: -127, levelHigh: 127 };
  return [
    check('matMul', [float(37, 29), float(29, 45)], { transposeA: false, transposeB: false }, [float(37, 45)]),
    check('matMul', [float(29, 36), float(32, 29)], { transposeA: true, transposeB: true }, [float(36, 32)]),
    // Winograd's algorithm, with tiles of four and of eight images; matrix products; depthwise.
    ...convolution(8, 8, 9, 10, { kernel: 3 }),
    ...convolution(4, 9, 8, 7, { kernel: 3 }),
    ...convolution(3, 5, 6, 9, { kernel: 3, stride: 2 }),
    ...convolution(2, 12, 20, 7, { kernel: 1 }),
    ...convolution(2, 6, 6, 13, { kernel: 3, groups: 6 }),
    ...convolution(2, 6, 6, 13, { kernel: 3, stride: 2, groups: 6 }),
    check('binary', [x, x], { function: 'add' }, [x]),
    check('binary', [x, perChannel], { function: 'multiply' }, [x]),
    check('binary', [x, x], { function: 'greater' }, [{ ...x, dtype: 'bool' }]),
    check('unary', [x], { function: 'relu' }, [x]),
    check('unary', [x], { function: 'sigmoid' }, [x]),
    check('unary', [x], { function: 'gelu' }, [x]),
    check('clamp', [x], { min: 0, max: 6 }, [x]),
    check('fakeQuantize', [x, one, one], { levels: 256 }, [x]),
    check('fakeQuantize', [x, perChannel, perChannel], { levels: 255 }, [x]),
    check('fakeQuantizeGradient', [x, x, one, one], grid, [x, one, one]),
    check('fakeQuantizeGradient', [x, x, perChannel, perChannel], grid, [x, perChannel, perChannel]),
    check('batchNormStatistics', [x, channel, channel], { epsilon: 1e-5 }, [channel, channel, channel]),
    check('batchNormInference', [x, channel, channel, channel, channel], { epsilon: 1e-5 }, [x]),
    check('batchNormGradient', [x, x, channel, channel, channel], { epsilon: 1e-5 }, [x, channel, channel]),
    check('maxPool2d', [x], { ...window, dilations: [1, 1] }, [pooled, { ...pooled, dtype: 'int32' }]),
    check('avgPool2d', [x], { ...window, excludePad: false }, [pooled]),
    check('softmax', [float(13, 43)], { axis: 1 }, [float(13, 43)]),
    check('reduce', [x], { function: 'sum', axes: [0, 2, 3] }, [channel]),
    check('transpose', [float(37, 45)], { order: [1, 0] }, [float(45, 37)]),
    check(
      'sgdUpdate',
      [flat, flat, flat],
      { learningRate: 0.1, momentum: 0.9, dampening: 0, weightDecay: 1e-4, nesterov: true, first: false },
      [flat, flat],
    ),
    check(
      'adamUpdate',
      [flat, flat, flat, flat],
      { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, decoupled: true, step: 3 },
      [flat, flat, flat],
    ),
  ];
}

/** Batch normalisation, activation and fake quantization as one loop over rows, which is what plans make of them. */
function chainCheck(): Checked | null {
  let last = 0;
  const operand = (type: TensorType): ProgramOperand => ({
    ...type,
    buffer: { id: last++, origin: 'computed', dtype: type.dtype, length: sizeOf(type.shape) },
  });
  const x = float(4, 6, 9, 11);
  const [data, normalized, active, quantized] = [x, x, x, x].map(operand);
  const moments = Array.from({ length: 4 }, () => operand(float(6)));
  const limits = [operand(float(1)), operand(float(1))];
  const normalize: ChainCall = {
    kernel: 'batchNormInference',
    attributes: { epsilon: 1e-5 },
    inputs: [data, ...moments],
    outputs: [normalized],
  };
  const steps = [
    normalize,
    { kernel: 'unary', attributes: { function: 'relu' }, inputs: [normalized], outputs: [active] },
    { kernel: 'fakeQuantize', attributes: { levels: 256 }, inputs: [active, ...limits], outputs: [quantized] },
  ].map((call) => chainStepOf(call as ChainCall));
  const [inputs, outputs] = [
    [data, ...moments, ...limits],
    [active, quantized],
  ];
  const call = steps.every((step) => step !== null) ? chainCall(steps as ChainStep[], inputs, outputs) : null;
  return call && { name: 'batchNormInference+unary+fakeQuantize', inputs, outputs, call };
}

/** Numbers of several sizes and both signs where `signed`, else from 0.5 up, so that they can be variances and ranges. */
function fill(values: { [index: number]: number; readonly length: number }, seed: number, signed: boolean): void {
  let state = seed;
  for (let index = 0; index < values.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const unit = state / 2 ** 32;
    values[index] = signed ? 4 * unit - 2 : 0.5 + unit;
  }
}

/** Runs calls on one thread, with all operands in a heap of their own. */
function runAll(heap: Heap, compiler: Compiler, checked: readonly Checked[]): TypedArray[][] {
  const functions = compiler.functions(checked.map(({ call }) => call));
  return checked.map(({ inputs, outputs, call }, index) => {
    const blocks = [...inputs, ...outputs].map(({ shape, dtype }) => {
      const block = heap.allocate(sizeOf(shape) * bytesPerElement(dtype));
      if (!block) throw new RangeError('the heap of the self-check is too small');
      return block;
    });
    const scratch = call.scratchBytes ? heap.allocate(call.scratchBytes) : null;
    if (call.scratchBytes && !scratch) throw new RangeError('the heap of the self-check is too small');
    const view = ({ shape, dtype }: TensorType, position: number) =>
      viewAt(heap.memory, dtype, blocks[position].address, sizeOf(shape));
    inputs.forEach((input, position) => {
      fill(view(input, position), 7 * position + index + 1, position < 2);
    });
    outputs.forEach((output, position) => {
      view(output, inputs.length + position).fill(0);
    });
    const addresses = [...blocks, ...(scratch ? [scratch] : [])].map(({ address }) => address);
    call.phases.forEach(({ units }, phase) => {
      const run: KernelFunction = functions[index][phase];
      run(...addresses, ...(call.scalars ?? []), 0, units);
    });
    const results = outputs.map((output, position) => view(output, inputs.length + position).slice());
    for (const block of [...blocks, ...(scratch ? [scratch] : [])]) heap.release(block);
    return results;
  });
}

/**
 * @param kernels What is checked; tests pass broken ones.
 * @returns Null if all is well, else which kernel was wrong, and how.
 */
export function selfCheck(engine: WideEngine, relaxed: boolean, kernels: WasmKernels = WASM_KERNELS): string | null {
  const checked = checkCases().flatMap(({ kernel, inputs, attributes, outputs }): Checked[] => {
    const call = (kernels[kernel] as WasmKernel<KernelName> | undefined)?.(inputs, attributes, outputs);
    return call ? [{ name: kernel, inputs, outputs, call }] : [];
  });
  const chain = chainCheck();
  if (!chain) return 'it could not run (no chain)';
  checked.push(chain);
  try {
    const [wide, narrow] = [true, false].map((joined) => {
      const heap = new Heap({ limit: HEAP_BYTES, shared: false });
      return runAll(heap, new Compiler(heap, { relaxed, wide: joined }, new FunctionTable(), engine), checked);
    });
    for (const [index, { name, inputs }] of checked.entries()) {
      for (const [output, values] of wide[index].entries()) {
        const expected = narrow[index][output];
        const wrong = values.findIndex((value: number, at: number) => !Object.is(value, expected[at]));
        if (wrong < 0) continue;
        const shapes = inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
        return `'${name}' of ${shapes} gave ${values[wrong]} instead of ${expected[wrong]} at element ${wrong} of output ${output}`;
      }
    }
    return null;
  } catch (error) {
    return `it could not run (${error instanceof Error ? error.message : String(error)})`;
  }
}
