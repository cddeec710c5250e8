/** Random chains of elementwise kernel calls: operands of every broadcast shape and dtype, values that several calls read. */
import fc from 'fast-check';
import type { KernelName, TensorType } from '../../../src/kernels/contract.js';
import type { DType } from '../../../src/kernels/dtype.js';
import type { ProgramBuffer, ProgramOperand } from '../../../src/kernels/program.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import type { ChainCall } from '../../../src/kernels/wasm/kernels/chain.js';
import { LEAST_ROW } from '../../../src/kernels/wasm/kernels/rowPlan.js';
import { booleans, createRandom, integers, type Random, sizeOf, uniform } from '../conformance/kernelCase.js';

export interface ChainSeed {
  readonly shape: readonly number[];
  readonly calls: readonly { readonly kind: number; readonly operands: readonly number[] }[];
  readonly seed: number;
}

export const chainSeeds = (extents: fc.Arbitrary<number> = fc.integer({ min: 1, max: 9 })): fc.Arbitrary<ChainSeed> =>
  fc.record({
    shape: fc.array(extents, { maxLength: 4 }),
    calls: fc.array(fc.record({ kind: fc.nat(), operands: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }) }), {
      minLength: 1,
      maxLength: 9,
    }),
    seed: fc.nat(),
  });

/** A chain with the values of what it reads. */
export interface Chain {
  readonly calls: readonly ChainCall[];
  readonly inputs: readonly ProgramOperand[];
  readonly values: readonly HostOperand[];
  /** All that its calls make. */
  readonly made: readonly ProgramOperand[];
}

type Maker = (chain: ChainMaker, operands: readonly number[]) => void;

const KINDS: readonly Maker[] = [
  (chain, [a]) => chain.call('unary', [chain.full(a)], { function: 'relu' }),
  (chain, [a]) => chain.call('unary', [chain.full(a)], { function: 'negative' }),
  (chain, [a]) => chain.call('unary', [chain.full(a)], { function: 'sign' }),
  (chain, [a, b]) => chain.call('binary', [chain.float(a), chain.float(b)], { function: 'add' }),
  (chain, [a, b]) => chain.call('binary', [chain.float(a), chain.float(b)], { function: 'multiply' }),
  (chain, [a, b]) => chain.call('binary', [chain.float(a), chain.float(b)], { function: 'maximum' }),
  (chain, [a, b]) => chain.call('binary', [chain.float(a), chain.float(b)], { function: 'greater' }, 'bool'),
  (chain, [a, b]) => chain.call('binary', [chain.integer(a), chain.integer(b)], { function: 'multiply' }, 'int32'),
  (chain, [a, b]) => chain.call('binary', [chain.integer(a), chain.integer(b)], { function: 'less' }, 'bool'),
  (chain, [a, b]) => chain.call('binary', [chain.bool(a), chain.bool(b)], { function: 'logicalAnd' }, 'bool'),
  (chain, [a, b]) => chain.call('binary', [chain.bool(a), chain.bool(b)], { function: 'lessEqual' }, 'bool'),
  (chain, [a, b]) => chain.call('binary', [chain.bool(a), chain.bool(b)], { function: 'notEqual' }, 'bool'),
  (chain, [a]) => chain.call('unary', [chain.full(a, 'bool')], { function: 'logicalNot' }, 'bool'),
  (chain, [a, b, c]) => chain.call('select', [chain.bool(a), chain.float(b), chain.float(c)], {}),
  (chain, [a, b, c]) => chain.call('select', [chain.bool(a), chain.bool(b), chain.bool(c)], {}, 'bool'),
  (chain, [a]) => chain.call('convert', [chain.full(a, 'bool')], {}),
  (chain, [a]) => chain.call('convert', [chain.full(a, 'bool')], {}, 'int32'),
  (chain, [a]) => chain.call('convert', [chain.full(a)], {}, 'int32'),
  (chain, [a]) => chain.call('convert', [chain.full(a, 'int32')], {}),
  (chain, [a]) => chain.call('convert', [chain.full(a, 'int32')], {}, 'bool'),
  (chain, [a]) => chain.call('clamp', [chain.full(a)], { min: -0.5, max: 0.75 }),
  (chain, [a]) => chain.call('broadcast', [chain.float(a)], {}),
  (chain, [a, b]) => chain.call('fakeQuantize', [chain.full(a), ...chain.grid(b)], { levels: 16 }),
  (chain, [a, b]) => chain.call('fakeQuantizeCodes', [chain.full(a), ...chain.grid(b)], { levels: 16 }, 'int32'),
  (chain, [a]) => chain.call('batchNormInference', [chain.full(a), ...chain.channels()], { epsilon: 1e-3 }),
  (chain, [a, b, c]) => chain.gridGradient(chain.full(a), chain.full(b), c, 0),
  (chain, [a, b, c]) => chain.gridGradient(chain.full(a), chain.full(b), c, -8),
  (chain, [a]) => chain.channelSums(chain.full(a)),
];

class ChainMaker {
  readonly calls: ChainCall[] = [];
  readonly inputs: ProgramOperand[] = [];
  readonly values: HostOperand[] = [];
  readonly made: ProgramOperand[] = [];
  readonly #shape: readonly number[];
  readonly #random: Random;
  #buffers = 0;

  constructor(shape: readonly number[], random: Random) {
    this.#shape = shape;
    this.#random = random;
  }

  #operand({ shape, dtype }: TensorType): ProgramOperand {
    const buffer: ProgramBuffer = { id: this.#buffers++, origin: 'computed', dtype, length: sizeOf(shape) };
    return { buffer, shape, dtype };
  }

  #input(values: HostOperand): ProgramOperand {
    const operand = this.#operand(values);
    this.inputs.push(operand);
    this.values.push(values);
    return operand;
  }

  /** A value of the chain, or a new operand: of the whole shape, or of one that broadcasts to it. */
  #pick(number: number, dtype: DType, whole: boolean): ProgramOperand {
    const fits = ({ shape }: TensorType): boolean =>
      shape.length === this.#shape.length && (!whole || sizeOf(shape) === sizeOf(this.#shape));
    const known = [...this.inputs, ...this.made].filter((each) => each.dtype === dtype && fits(each));
    if (number % 3 > 0 && known.length > 0) return known[number % known.length];
    const part = this.#shape.map((extent) => (this.#random() < 0.6 ? extent : 1));
    const shape = whole || this.#random() < 0.5 ? this.#shape : part;
    if (dtype === 'bool') return this.#input(booleans(this.#random, shape));
    if (dtype === 'int32') return this.#input(integers(this.#random, shape, -5, 5));
    return this.#input(uniform(this.#random, shape, -1.5, 1.5));
  }

  float = (number: number): ProgramOperand => this.#pick(number, 'float32', false);
  integer = (number: number): ProgramOperand => this.#pick(number, 'int32', false);
  bool = (number: number): ProgramOperand => this.#pick(number, 'bool', false);
  full = (number: number, dtype: DType = 'float32'): ProgramOperand => this.#pick(number, dtype, true);

  /** The limits of a grid: of all elements, or apart along an axis. */
  grid(number: number): ProgramOperand[] {
    const axis = number % (this.#shape.length + 1);
    const shape = axis === this.#shape.length ? [1] : this.#shape.map((extent, each) => (each === axis ? extent : 1));
    return [uniform(this.#random, shape, -1, 0), uniform(this.#random, shape, 0.1, 2)].map((each) => this.#input(each));
  }

  /** Weight, bias, mean and variance along axis 1. */
  channels(): ProgramOperand[] {
    const shape = [this.#shape[1] ?? 1];
    return [0, 1, 2, 3].map((each) => this.#input(uniform(this.#random, shape, each === 3 ? 0 : -1, 1)));
  }

  call(kernel: KernelName, inputs: readonly ProgramOperand[], attributes: object, dtype: DType = 'float32'): void {
    if (kernel === 'batchNormInference' && this.#shape.length < 2) return;
    const output = this.#operand({ shape: this.#shape, dtype });
    this.calls.push({ kernel, inputs, attributes, outputs: [output] });
    this.made.push(output);
  }

  /** Sums that a chain can make. */
  channelSums(x: ProgramOperand): void {
    if (this.#shape.length < 3 || sizeOf(this.#shape.slice(2)) < LEAST_ROW) return;
    const axes = this.#shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const output = this.#operand({
      shape: this.#shape.map((extent, axis) => (axis === 1 ? extent : 1)),
      dtype: x.dtype,
    });
    this.calls.push({ kernel: 'reduce', inputs: [x], attributes: { function: 'sum', axes }, outputs: [output] });
    this.made.push(output);
  }

  gridGradient(g: ProgramOperand, x: ProgramOperand, number: number, levelLow: number): void {
    const limits = this.grid(number);
    const outputs = [x, ...limits].map(({ shape, dtype }) => this.#operand({ shape, dtype }));
    const attributes = { levels: 8 - levelLow, levelLow, levelHigh: 7 };
    this.calls.push({ kernel: 'fakeQuantizeGradient', inputs: [g, x, ...limits], attributes, outputs });
    this.made.push(...outputs);
  }
}

/** The chain that the numbers stand for. */
export function makeChain({ shape, calls, seed }: ChainSeed): Chain {
  const maker = new ChainMaker(shape, createRandom(seed));
  for (const { kind, operands } of calls) KINDS[kind % KINDS.length](maker, operands);
  return maker;
}
