/** A convolution with what follows it, done tile by tile, gives the bits of the kernels one after the other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../../src/kernels/contract.js';
import type { TypedArray } from '../../../../src/kernels/dtype.js';
import {
  isKernelStep,
  type KernelProgram,
  type KernelStep,
  RecordingBackend,
} from '../../../../src/kernels/program.js';
import { runReferenceKernel } from '../../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../../src/kernels/reference/kernel.js';
import { WasmBackend } from '../../../../src/kernels/wasm/backend.js';
import type { WasmKernel } from '../../../../src/kernels/wasm/kernel.js';
import { WASM_KERNELS } from '../../../../src/kernels/wasm/kernels/index.js';
import { attachEpilogues } from '../../../../src/kernels/wasm/program/epilogues.js';
import { type FusedStep, isFused, type PartStep } from '../../../../src/kernels/wasm/program/fusedStep.js';
import { fuseSteps } from '../../../../src/kernels/wasm/program/fusion.js';
import { createRandom, filled, operand, sizeOf, type } from '../../conformance/kernelCase.js';
import {
  type Convolution,
  convolution,
  convolutions,
  depthwise,
  MINIMAL_CONVOLUTIONS,
  NAMED_CONVOLUTIONS,
  pointwise,
  square,
} from '../convolutionCases.js';
import { runGuarded } from '../guarded.js';

const ANY_SIZE = { pixels: 1, elements: 1 };
const backend = WasmBackend.create({ threads: 1 });

type Value = HostOperand & { readonly storage: ReturnType<RecordingBackend['external']> };

/** Records steps; every operand has values. */
class Recording {
  readonly recorder = new RecordingBackend(backend);
  readonly #random: () => number;
  readonly values = new Map<number, HostOperand>();

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  get steps(): KernelStep[] {
    return this.recorder.steps.filter(isKernelStep);
  }

  input(shape: readonly number[], from = -1, to = 1): Value {
    const made = filled(shape, () => from + (to - from) * this.#random());
    const storage = this.recorder.external('float32', sizeOf(shape));
    this.values.set(storage.id, made);
    return { ...made, storage };
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Value[],
    attributes: KernelAttributes[K],
    shape: readonly number[],
    dtype: TensorType['dtype'] = 'float32',
  ): Value {
    const [storage] = this.recorder.run(kernel, inputs, attributes, [type(shape, dtype)]);
    return { ...operand([0], [], dtype), shape, storage } as Value;
  }
}

type Chain = (recording: Recording, output: Value, shape: readonly number[]) => Value[];

const channels = ([, count]: readonly number[]): number[] => [1, count, 1, 1];

/** What follows a convolution: the values that are needed of it. */
const CHAINS: Readonly<Record<string, Chain>> = {
  bias: (r, y, shape) => [r.run('binary', [y, r.input(channels(shape))], { function: 'add' }, shape)],
  'bias, ReLU, fake-quantize': (r, y, shape) => {
    const biased = r.run('binary', [y, r.input(channels(shape))], { function: 'add' }, shape);
    const active = r.run('unary', [biased], { function: 'relu' }, shape);
    const range = [r.input([1], 0, 0), r.input([1], 0.5, 1)];
    return [r.run('fakeQuantize', [active, ...range], { levels: 256 }, shape)];
  },
  'slope and shift, clamp, fake-quantize of channels': (r, y, shape) => {
    const scaled = r.run('binary', [y, r.input(channels(shape))], { function: 'multiply' }, shape);
    const shifted = r.run('binary', [r.input(channels(shape)), scaled], { function: 'subtract' }, shape);
    const clamped = r.run('clamp', [shifted], { min: -0.25, max: 0.75 }, shape);
    const range = [r.input(channels(shape), -1, 0), r.input(channels(shape), 1, 2)];
    return [r.run('fakeQuantize', [clamped, ...range], { levels: 16 }, shape)];
  },
  'batch normalisation, hard swish': (r, y, shape) => {
    const [, count] = shape;
    const statistics = [r.input([count]), r.input([count]), r.input([count]), r.input([count], 0.5, 2)];
    const normal = r.run('batchNormInference', [y, ...statistics], { epsilon: 1e-3 }, shape);
    return [r.run('unary', [normal], { function: 'hswish' }, shape)];
  },
  'residual, and what it is made of': (r, y, shape) => {
    const biased = r.run('binary', [y, r.input(channels(shape))], { function: 'add' }, shape);
    const sum = r.run('binary', [r.input(shape), biased], { function: 'add' }, shape);
    return [biased, r.run('unary', [sum], { function: 'relu' }, shape)];
  },
  'a factor for each plane, and a mask': (r, y, shape) => {
    const scaled = r.run('binary', [y, r.input([...shape.slice(0, 2), 1, 1])], { function: 'multiply' }, shape);
    const mask = r.run('binary', [scaled, r.input(shape.slice(1))], { function: 'greater' }, shape, 'bool');
    return [mask, r.run('elu', [scaled], { alpha: 0.5 }, shape)];
  },
};

const operandsOf = (recording: Recording, known: ReadonlyMap<number, HostOperand>, types: KernelStep['inputs']) =>
  types.map(({ buffer, shape, dtype }): HostOperand => {
    const { values } = (known.get(buffer.id) ?? recording.values.get(buffer.id)) as HostOperand;
    return { shape, dtype, values };
  });

/** Values of all buffers, from the kernels one after the other. */
function oneByOne(recording: Recording, reference = false): Map<number, HostOperand> {
  const known = new Map<number, HostOperand>();
  for (const { kernel, inputs, attributes, outputs } of recording.steps) {
    const operands = operandsOf(recording, known, inputs);
    const call = (WASM_KERNELS[kernel] as WasmKernel<KernelName>)(operands, attributes, outputs);
    if (!call) throw new Error(`${kernel} is not covered.`);
    const found = reference
      ? runReferenceKernel(kernel, operands, attributes, outputs)
      : runGuarded(call, operands, outputs);
    outputs.forEach(({ buffer, shape, dtype }, index) => {
      known.set(buffer.id, { shape, dtype, values: found[index] });
    });
  }
  return known;
}

const bytes = ({ buffer, byteOffset, byteLength }: TypedArray) => Buffer.from(buffer, byteOffset, byteLength);

/** Records a convolution and a chain, and joins them; null if they cannot be. */
function joined(recording: Recording, make: () => Value[]): FusedStep | null {
  const needed = new Set(make().map(({ storage }) => storage.id));
  const parts = attachEpilogues(fuseSteps(recording.steps, needed), needed, ANY_SIZE);
  return parts.length === 1 && isFused(parts[0]) ? parts[0] : null;
}

function expectSame(recording: Recording, step: FusedStep | null, tolerance: number | null): void {
  expect(step, 'the steps are one').not.toBeNull();
  const { call, inputs, outputs } = step as FusedStep;
  const operands = operandsOf(recording, new Map(), inputs);
  const found = runGuarded(call, operands, outputs);
  const wanted = oneByOne(recording);
  const reference = tolerance === null ? null : oneByOne(recording, true);
  const backwards = runGuarded(call, operands, outputs, { backwards: true });
  outputs.forEach(({ buffer, dtype }, output) => {
    const { values } = wanted.get(buffer.id) as HostOperand;
    expect(bytes(found[output]).equals(bytes(values)), `result ${output} has the same bits`).toBe(true);
    expect(bytes(backwards[output]).equals(bytes(values)), `result ${output} in another order`).toBe(true);
    if (dtype === 'bool' || !reference || tolerance === null) return;
    const exact = (reference.get(buffer.id) as HostOperand).values;
    const worst = Math.max(...Array.from(values as Float32Array, (value, index) => Math.abs(value - exact[index])));
    expect(worst, `result ${output} is that of the reference`).toBeLessThanOrEqual(tolerance);
  });
}

/** Rounding may move a value by one step of a grid. */
const toleranceOf = (name: string): number => (name.includes('fake-quantize') ? 0.2 : 2e-3);

function check({ x, w, y, attributes }: Convolution, name: string, seed = 1): void {
  const recording = new Recording(seed);
  const step = joined(recording, () => {
    const scale = 1 / Math.sqrt(sizeOf(w.slice(1)));
    const output = recording.run('conv2d', [recording.input(x), recording.input(w, -scale, scale)], attributes, y);
    return CHAINS[name](recording, output, y);
  });
  // The reference takes its time for large ones, and one chain shows whether the convolution is right.
  const compared = sizeOf(y) * sizeOf(w.slice(1)) < 2 ** 18 || name === 'bias';
  expectSame(recording, step, compared ? toleranceOf(name) : null);
}

const KINDS: readonly [string, Convolution][] = [
  ...NAMED_CONVOLUTIONS.filter(([name]) => !name.startsWith('wide images')),
  ...MINIMAL_CONVOLUTIONS.filter(([name]) => !name.startsWith('few tiles') && !name.startsWith('stride 2')),
  ['odd batch', convolution(square(3, 1, 8), 5, 1, 8, 8)],
  ['minimal filtering with stride 2', convolution(square(3, 2, 15), 7, 1, 64, 65)],
  ['one channel', convolution(square(3, 1, 9), 3, 1, 1, 1)],
  ['three channels', convolution(square(1, 1, 9), 2, 1, 3, 3)],
  ['grouped', convolution(square(3, 2, 9), 2, 4, 2, 6)],
  ['one pixel, 1x1', convolution(square(1, 1, 1), 9, 1, 5, 7)],
];

describe('a convolution with what follows it', () => {
  it.each(KINDS)('is the kernels one after the other: %s', (_name, one) => {
    for (const name of Object.keys(CHAINS)) check(one, name);
  });

  it.each([
    ['convolutions', convolutions],
    ['depthwise convolutions', depthwise],
    ['1x1 convolutions', pointwise],
  ])('is the kernels one after the other for %s of any shape', (_name, shapes) => {
    fc.assert(fc.property(shapes, fc.constantFrom(...Object.keys(CHAINS)), fc.nat(), check), { numRuns: 40 });
  });

  it.each([
    ['by minimal filtering', convolution(square(3, 1, 9), 4, 1, 9, 10)],
    ['1x1', convolution(square(1, 1, 9), 3, 2, 5, 6)],
  ])('is the kernels one after the other for gradients of inputs: %s', (_name, { x, w, y, attributes }) => {
    const recording = new Recording(3);
    const step = joined(recording, () => {
      const operands = [recording.input(y), recording.input(w)];
      const gradient = recording.run('conv2dInputGradient', operands, attributes, x);
      const mask = recording.run(
        'binary',
        [recording.input(x), recording.input([])],
        { function: 'greater' },
        x,
        'bool',
      );
      return [recording.run('select', [mask, gradient, recording.input([], 0, 0)], {}, x)];
    });
    expectSame(recording, step, 2e-3);
  });
});

describe('steps that stay apart', () => {
  const { x, w, y, attributes } = convolution(square(3, 1, 8), 2, 1, 3, 4);
  const partsOf = (make: (recording: Recording, output: Value) => Value[], limits = ANY_SIZE): PartStep[] => {
    const recording = new Recording(1);
    const output = recording.run('conv2d', [recording.input(x), recording.input(w)], attributes, y);
    const needed = new Set(make(recording, output).map(({ storage }) => storage.id));
    return attachEpilogues(fuseSteps(recording.steps, needed), needed, limits);
  };
  const relu = (recording: Recording, value: Value): Value => recording.run('unary', [value], { function: 'relu' }, y);

  it('where the output is needed', () => {
    expect(partsOf((recording, output) => [output, relu(recording, output)])).toHaveLength(2);
  });

  it('where something else reads the output', () => {
    const pooled = (recording: Recording, output: Value): Value =>
      recording.run('reduce', [output], { function: 'sum', axes: [2, 3] }, [y[0], y[1], 1, 1]);
    const parts = partsOf((recording, output) => [relu(recording, output), pooled(recording, output)]);
    expect(parts).toHaveLength(3);
  });

  it('where the output is read under another shape', () => {
    const flat = [y[0], sizeOf(y.slice(1))];
    const parts = partsOf((recording, output) => [
      recording.run('unary', [{ ...output, shape: flat }], { function: 'relu' }, flat),
    ]);
    expect(parts).toHaveLength(2);
  });

  it('where an operand has values of its own along one axis of planes', () => {
    const parts = partsOf((recording, output) => [
      recording.run('binary', [output, recording.input([y[3]])], { function: 'add' }, y),
    ]);
    expect(parts).toHaveLength(2);
  });

  it('where the output is small', () => {
    const make = (recording: Recording, output: Value): Value[] => [relu(recording, output)];
    expect(partsOf(make)).toHaveLength(1);
    expect(partsOf(make, { pixels: 65, elements: 1 })).toHaveLength(2);
    expect(partsOf(make, { pixels: 1, elements: sizeOf(y) + 1 })).toHaveLength(2);
  });
});

describe('a program with a large convolution', () => {
  it('gives the same bits with one thread, with two, and without joining', async () => {
    const { x, w, y, attributes } = convolution(square(3, 1, 257), 2, 1, 3, 17);
    const recording = new Recording(5);
    const output = recording.run('conv2d', [recording.input(x), recording.input(w)], attributes, y);
    const [result] = CHAINS['slope and shift, clamp, fake-quantize of channels'](recording, output, y);
    const external = [...recording.values.keys()];
    const inputs = recording.steps
      .flatMap((step) => step.inputs.map(({ buffer }) => buffer))
      .filter(({ id }, index, all) => external.includes(id) && all.findIndex((each) => each.id === id) === index);
    const program: KernelProgram = {
      steps: recording.steps,
      inputs,
      results: [result.storage],
      backward: { steps: [], gradients: [], inputGradients: [] },
    };
    const wanted = bytes((oneByOne(recording).get(result.storage.id) as HostOperand).values);
    for (const threads of [1, 2]) {
      const own = WasmBackend.create({ threads, guard: true });
      await own.setThreads(threads);
      const given = inputs.map(({ id }) =>
        own.upload((recording.values.get(id) as HostOperand).values.slice(), 'float32'),
      );
      const compiled = own.compile(program);
      const names = own.profile(() => void compiled.forward(given)).map(({ name }) => name);
      expect(names).toEqual(['conv2d+binary+binary+clamp+fakeQuantize']);
      expect(bytes(own.readSync(compiled.forward(given).results[0])).equals(wanted)).toBe(true);
      await own.dispose();
    }
  });
});
