/** Random programs of real kernels, and what they must compute, for tests of everything that handles programs. */
import fc from 'fast-check';
import type { Backend, KernelName, Operand, Storage, TensorType } from '../../src/kernels/contract.js';
import type { TypedArray } from '../../src/kernels/dtype.js';
import {
  type BackwardPart,
  isKernelStep,
  isReadStep,
  type KernelProgram,
  type KernelStep,
  type ProgramBackend,
  type ProgramBuffer,
  type ProgramStep,
  RecordingBackend,
} from '../../src/kernels/program.js';

/** Numbers that decide what a program is, from a property-based test. */
export interface ProgramSeed {
  readonly forward: readonly StepSeed[];
  readonly backward: readonly StepSeed[];
  readonly results: readonly number[];
  readonly gradients: readonly number[];
}

interface StepSeed {
  readonly kind: number;
  readonly operands: readonly number[];
}

const stepSeed = (): fc.Arbitrary<StepSeed> =>
  fc.record({ kind: fc.nat(), operands: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }) });

export const programSeed = (size = 12): fc.Arbitrary<ProgramSeed> =>
  fc.record({
    forward: fc.array(stepSeed(), { minLength: 1, maxLength: size }),
    backward: fc.array(stepSeed(), { maxLength: size }),
    results: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    gradients: fc.array(fc.nat(), { maxLength: 3 }),
  });

interface Value extends TensorType {
  readonly storage: ProgramBuffer;
}

const ROWS = 6;
const COLUMNS = 40;
const WIDE: readonly number[] = [ROWS, COLUMNS];

/** The kernels that programs are made of; operands are chosen by shape, results have one of a few shapes. */
const KINDS: readonly ((record: Recording, operands: readonly number[]) => void)[] = [
  (record, [a]) => record.run('unary', [record.wide(a)], { function: 'relu' }, WIDE),
  // The WebAssembly backend runs this as a reference kernel.
  (record, [a, b]) => record.run('binary', [record.wide(a), record.wide(b)], { function: 'power' }, WIDE),
  (record, [a, b]) => record.run('binary', [record.wide(a), record.wide(b)], { function: 'subtract' }, WIDE),
  (record, [a, b]) => record.run('binary', [record.wide(a), record.row(b)], { function: 'multiply' }, WIDE),
  (record, [a]) => record.run('clamp', [record.wide(a)], { min: -0.75, max: Number.POSITIVE_INFINITY }, WIDE),
  (record, [a]) => record.run('clamp', [record.wide(a)], { min: Number.NEGATIVE_INFINITY, max: 0.75 }, WIDE),
  (record, [a]) => record.run('reduce', [record.wide(a)], { function: 'sum', axes: [0] }, [1, COLUMNS]),
  (record, [a]) => record.run('reduce', [record.row(a)], { function: 'max', axes: [1] }, [1, 1]),
  (record, [a, b]) =>
    record.run('matMul', [record.wide(a), record.wide(b)], { transposeA: true, transposeB: false }, [COLUMNS, COLUMNS]),
  (record, [a, b]) =>
    record.run('matMul', [record.wide(a), record.square(b)], { transposeA: false, transposeB: false }, WIDE),
  (record, [a]) => record.run('fakeQuantize', [record.wide(a), ...record.grid], { levels: 16 }, WIDE),
  (record, [a]) => record.run('elu', [record.wide(a)], { alpha: 0.5 }, WIDE),
  (record, [a, b]) =>
    record.run('topK', [record.wide(a)], { axis: 1, k: 1 + (b % 3), mode: 'max' }, [ROWS, 1 + (b % 3)]),
  (record, [a, b, c]) => record.batchNorm(record.wide(a), record.row(b), record.row(c)),
  (record, [a, b, c]) => record.mask(record.wide(a), record.row(b), record.wide(c)),
  (record, [a, b]) => record.gridGradient(record.wide(a), record.wide(b)),
];

class Recording {
  readonly backend: RecordingBackend;
  readonly values: Value[] = [];
  /** Lower end and width of a quantization grid. */
  readonly grid: readonly Value[];

  constructor(backend: RecordingBackend) {
    this.backend = backend;
    this.grid = [-0.5, 1.25].map((value) => ({
      storage: backend.upload(Float32Array.of(value), 'float32'),
      shape: [1],
      dtype: 'float32',
    }));
  }

  add(storage: ProgramBuffer, shape: readonly number[]): Value {
    const value = { storage, shape, dtype: storage.dtype };
    this.values.push(value);
    return value;
  }

  run(kernel: KernelName, inputs: readonly Value[], attributes: object, shape: readonly number[]): void {
    const outputs: TensorType[] = [{ shape, dtype: 'float32' }];
    if (kernel === 'topK') outputs.push({ shape, dtype: 'int32' });
    const storages = this.backend.run(kernel, inputs, attributes as never, outputs);
    storages.forEach((storage, index) => {
      if (outputs[index].dtype === 'float32') this.add(storage, shape);
    });
  }

  batchNorm(x: Value, gamma: Value, beta: Value): void {
    const channel = { shape: [COLUMNS], dtype: 'float32' as const };
    const inputs = [x, { ...gamma, ...channel }, { ...beta, ...channel }];
    const outputs = [{ ...channel, shape: WIDE }, channel, channel];
    const [y, mean, variance] = this.backend.run('batchNorm', inputs, { epsilon: 1e-3 }, outputs);
    this.add(y, WIDE);
    for (const statistic of [mean, variance]) this.add(statistic, [1, COLUMNS]);
  }

  /** x where a > b, else 0. */
  mask(a: Value, b: Value, x: Value): void {
    const outputs = [{ shape: WIDE, dtype: 'bool' as const }];
    const [storage] = this.backend.run('binary', [a, b], { function: 'greater' }, outputs);
    const mask: Value = { ...outputs[0], storage };
    this.run('select', [mask, x, this.grid[0]], {}, WIDE);
    this.run('convert', [mask], {}, WIDE);
  }

  gridGradient(g: Value, x: Value): void {
    const limit = { shape: [1], dtype: 'float32' as const };
    const attributes = { levels: 16, levelLow: -8, levelHigh: 7 };
    const outputs = [{ ...limit, shape: WIDE }, limit, limit];
    const storages = this.backend.run('fakeQuantizeGradient', [g, x, ...this.grid], attributes, outputs);
    storages.forEach((storage, index) => {
      this.add(storage, index === 0 ? WIDE : [1, 1]);
    });
  }

  #like(number: number, shape: readonly number[]): Value {
    const fitting = this.values.filter((value) => value.shape.join() === shape.join());
    return fitting[number % fitting.length];
  }

  wide = (number: number): Value => this.#like(number, WIDE);
  row = (number: number): Value => this.#like(number, [1, COLUMNS]);
  square = (number: number): Value => this.#like(number, [COLUMNS, COLUMNS]);
}

const ramp = (length: number, from: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => Math.sin(from + index * 0.7));

/** A program with what its runs are given. */
export interface TestProgram {
  readonly program: KernelProgram;
  /** A backward part from fewer gradients, which reads less of the forward part. */
  readonly smaller: BackwardPart;
  readonly inputs: readonly TypedArray[];
  readonly gradients: readonly TypedArray[];
}

/** The program that the numbers stand for. */
export function makeProgram(seed: ProgramSeed, target: Backend): TestProgram {
  const backend = new RecordingBackend(target);
  const recording = new Recording(backend);
  const external = (shape: readonly number[]): ProgramBuffer => {
    const buffer = backend.external('float32', shape[0] * shape[1]);
    recording.add(buffer, shape);
    return buffer;
  };
  const inputs = [external(WIDE), external([1, COLUMNS]), external([COLUMNS, COLUMNS])];
  recording.add(backend.upload(ramp(COLUMNS, 5), 'float32'), [1, COLUMNS]);
  recording.add(backend.upload(ramp(COLUMNS, 5), 'float32'), [1, COLUMNS]);
  recording.add(
    backend.generate(() => ramp(ROWS * COLUMNS, 9), ROWS * COLUMNS, 'float32'),
    WIDE,
  );
  const play = (steps: readonly StepSeed[]): void => {
    for (const { kind, operands } of steps) KINDS[kind % KINDS.length](recording, operands);
  };
  play(seed.forward);
  const steps = [...backend.steps];
  const forwardValues = [...recording.values];
  const pick = (values: readonly Value[], numbers: readonly number[]): ProgramBuffer[] =>
    numbers.map((number) => values[number % values.length].storage);
  const results = pick(forwardValues, seed.results);
  const seeds = [external(WIDE), external([1, COLUMNS])];
  const part = (count: number, numbers: readonly number[]): BackwardPart => {
    const start = backend.steps.length;
    play(seed.backward.slice(0, count));
    const own = recording.values.slice(forwardValues.length);
    return {
      steps: backend.steps.slice(start),
      gradients: seeds,
      inputGradients: pick([...own, ...forwardValues], numbers),
    };
  };
  const backward = part(seed.backward.length, seed.gradients);
  const made = recording.values.length;
  // The smaller part repeats the first steps; it must not use what the larger one computed.
  const kept = recording.values.splice(forwardValues.length + seeds.length, made);
  const smaller = smallerPart(backward, Math.floor(seed.backward.length / 2));
  recording.values.push(...kept);
  const data = (buffers: readonly ProgramBuffer[]): TypedArray[] =>
    buffers.map(({ length }, index) => ramp(length, index * 1.3));
  return {
    program: { steps, inputs, results, backward },
    smaller,
    inputs: data(inputs),
    gradients: data(seeds),
  };
}

/** The first steps of a part, on buffers of their own. */
function smallerPart(part: BackwardPart, count: number): BackwardPart {
  const renamed = new Map<ProgramBuffer, ProgramBuffer>();
  const steps = part.steps.slice(0, count).map((step): ProgramStep => {
    const { inputs, outputs, ...rest } = step as KernelStep;
    const own = outputs.map((operand) => {
      const buffer = { ...operand.buffer, id: operand.buffer.id + 100_000 };
      renamed.set(operand.buffer, buffer);
      return { ...operand, buffer };
    });
    const operands = inputs.map((operand) => ({ ...operand, buffer: renamed.get(operand.buffer) ?? operand.buffer }));
    return { ...rest, inputs: operands, outputs: own } as KernelStep;
  });
  const computed = new Set(part.steps.flatMap((step) => (step as KernelStep).outputs.map(({ buffer }) => buffer)));
  const inputGradients = part.inputGradients.flatMap((buffer) =>
    computed.has(buffer) ? (renamed.get(buffer) ?? []) : [buffer],
  );
  return { steps, gradients: part.gradients, inputGradients };
}

/** The values of a run, computed one kernel call after the other. */
export interface Computed {
  readonly results: readonly number[][];
  readonly gradients: readonly number[][];
}

/** Runs the steps of a program as separate kernel calls of a backend. */
export function runCallByCall(
  { program, inputs, gradients }: TestProgram,
  part: BackwardPart,
  backend: Backend,
): Computed {
  const storages = new Map<ProgramBuffer, Storage>();
  const give = (buffers: readonly ProgramBuffer[], data: readonly TypedArray[]): void => {
    buffers.forEach((buffer, index) => {
      storages.set(buffer, backend.upload(data[index].slice(), buffer.dtype));
    });
  };
  const storageOf = (buffer: ProgramBuffer): Storage => {
    const known = storages.get(buffer) ?? backend.upload((buffer.values as TypedArray).slice(), buffer.dtype);
    storages.set(buffer, known);
    return known;
  };
  const run = (step: ProgramStep): void => {
    if (isReadStep(step)) {
      step.read(backend.readSync(storageOf(step.input)));
      return;
    }
    if (!isKernelStep(step)) {
      storages.set(step.output, backend.upload(step.make(), step.output.dtype));
      return;
    }
    const operands = step.inputs.map(
      ({ buffer, shape, dtype }): Operand => ({ storage: storageOf(buffer), shape, dtype }),
    );
    const types = step.outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    backend.run(step.kernel, operands, step.attributes, types).forEach((storage, index) => {
      storages.set(step.outputs[index].buffer, storage);
    });
  };
  const read = (buffers: readonly ProgramBuffer[]): number[][] =>
    buffers.map((buffer) => [...backend.readSync(storageOf(buffer))]);
  give(program.inputs, inputs);
  give(part.gradients, gradients);
  for (const step of [...program.steps, ...part.steps]) run(step);
  return { results: read(program.results), gradients: read(part.inputGradients) };
}

/** Uploads what a run is given. */
export const uploadAll = (backend: ProgramBackend, data: readonly TypedArray[]): Storage[] =>
  data.map((values) => backend.upload(values.slice(), 'float32'));
