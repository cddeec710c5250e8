/** Compiled programs: the bits of call-by-call execution, and memory that comes back. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuantGradError } from '../../../src/errors.js';
import type { Storage } from '../../../src/kernels/contract.js';
import { optimizeProgram } from '../../../src/kernels/optimizeProgram.js';
import {
  type BackwardPart,
  type CompiledProgram,
  type KernelProgram,
  RecordingBackend,
} from '../../../src/kernels/program.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import {
  type Computed,
  makeProgram,
  type ProgramSeed,
  programSeed,
  runCallByCall,
  type TestProgram,
  uploadAll,
} from '../programs.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Collects garbage and lets the registries hear of it. */
async function collect(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    collectGarbage();
    await turn();
  }
}

const backend = WasmBackend.create({ threads: 1, guard: true });

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

const read = (storages: readonly Storage[], from = backend): number[][] =>
  storages.map((storage) => [...from.readSync(storage)]);

function run(compiled: CompiledProgram, made: TestProgram, part?: BackwardPart): Computed {
  const step = compiled.forward(uploadAll(backend, made.inputs));
  const gradients = step.backward(uploadAll(backend, made.gradients), { part });
  return { results: read(step.results), gradients: read(gradients) };
}

/** A program with something in both parts. */
const SEED: ProgramSeed = {
  forward: [0, 2, 3, 8, 9, 10, 1].map((kind, index) => ({ kind, operands: [index * 3, index * 5, 1] })),
  backward: [2, 3, 6, 0, 1].map((kind, index) => ({ kind, operands: [index * 7 + 2, index * 4, 1] })),
  results: [5, 7],
  gradients: [1, 3],
};

describe('a compiled program', () => {
  it('computes the bits of separate kernel calls, in every part and order of runs', () => {
    fc.assert(
      fc.property(programSeed(14), (seed) => {
        const made = makeProgram(seed, backend);
        const wanted = runCallByCall(made, made.program.backward, backend);
        const smaller = runCallByCall(made, made.smaller, backend);
        const compiled = backend.compile(made.program);
        expect(run(compiled, made)).toEqual(wanted);
        expect(run(compiled, made, made.smaller)).toEqual(smaller);
        const given = uploadAll(backend, made.gradients);
        const [first, second, third] = [1, 2, 3].map(() => compiled.forward(uploadAll(backend, made.inputs)));
        expect(read(third.backward(given))).toEqual(wanted.gradients);
        expect(read(first.backward(given, { retain: true }))).toEqual(wanted.gradients);
        expect(read(second.backward(given, { part: made.smaller, retain: true }))).toEqual(smaller.gradients);
        expect(read(first.backward(given, { part: made.smaller }))).toEqual(smaller.gradients);
        expect(read(second.backward(given))).toEqual(wanted.gradients);
        for (const each of [first, second, third]) expect(read(each.results)).toEqual(wanted.results);
      }),
      { numRuns: 60 },
    );
  });

  it('also when it was optimized', () => {
    fc.assert(
      fc.property(programSeed(20), (seed) => {
        const made = makeProgram(seed, backend);
        const { program, part } = optimizeProgram(made.program);
        const compiled = backend.compile(program);
        expect(run(compiled, { ...made, program })).toEqual(runCallByCall(made, made.program.backward, backend));
        expect(run(compiled, { ...made, program }, part(made.smaller))).toEqual(
          runCallByCall(made, made.smaller, backend),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('shows values to the host as they are computed, before their memory is used again', () => {
    const recorder = new RecordingBackend(backend);
    const type = { shape: [3], dtype: 'float32' as const };
    const seen: number[][] = [];
    const show = (storage: Storage): void => recorder.show(storage, (values) => seen.push([...values]));
    const negative = (storage: Storage): Storage =>
      recorder.run('unary', [{ storage, ...type }], { function: 'negative' }, [type])[0];
    const x = recorder.external('float32', 3);
    show(x);
    let value: Storage = x;
    for (let step = 0; step < 3; step++) {
      value = negative(value);
      show(value);
    }
    const recorded: KernelProgram = {
      steps: recorder.steps,
      inputs: [x],
      results: [],
      backward: { steps: [], gradients: [], inputGradients: [] },
    };
    for (const program of [recorded, optimizeProgram(recorded).program]) {
      const compiled = backend.compile(program);
      for (const values of [
        [1, 2, 3],
        [4, -5, 0.5],
      ]) {
        seen.length = 0;
        compiled.forward([backend.upload(Float32Array.from(values), 'float32')]).dispose();
        const negated = values.map((each) => -each);
        expect(seen).toEqual([values, negated, values, negated]);
      }
    }
  });

  it('gives each gradient memory of its own, whatever it is', () => {
    const recorder = new RecordingBackend(backend);
    const type = { shape: [3], dtype: 'float32' as const };
    const [x, seed] = [recorder.external('float32', 3), recorder.external('float32', 3)];
    const constant = recorder.upload(Float32Array.of(7, 8, 9), 'float32');
    const unary = (storage: typeof x) =>
      recorder.run('unary', [{ storage, ...type }], { function: 'negative' }, [type])[0];
    const result = unary(x);
    const inner = unary(result);
    const outer = unary(inner);
    const steps = [...recorder.steps];
    const computed = unary(seed);
    const inputGradients = [seed, seed, x, constant, result, inner, computed, computed];
    const compiled = backend.compile({
      steps,
      inputs: [x],
      results: [result, x, constant, constant, outer],
      backward: { steps: recorder.steps.slice(3), gradients: [seed], inputGradients },
    });
    const [input] = uploadAll(backend, [Float32Array.of(1, 2, 3)]);
    const step = compiled.forward([input]);
    expect(read(step.results)).toEqual([
      [-1, -2, -3],
      [1, 2, 3],
      [7, 8, 9],
      [7, 8, 9],
      [-1, -2, -3],
    ]);
    backend.release(step.results[2]);
    const gradients = step.backward(uploadAll(backend, [Float32Array.of(4, 5, 6)]));
    expect(new Set(gradients).size).toBe(8);
    expect(read(gradients)).toEqual([
      [4, 5, 6],
      [4, 5, 6],
      [1, 2, 3],
      [7, 8, 9],
      [-1, -2, -3],
      [1, 2, 3],
      [-4, -5, -6],
      [-4, -5, -6],
    ]);
    // The constant that was handed out and released was a copy.
    expect(read(compiled.forward([input]).results)[2]).toEqual([7, 8, 9]);
  });

  it('writes gradients into the storages that it is given', () => {
    const made = makeProgram(SEED, backend);
    const compiled = backend.compile(made.program);
    const step = compiled.forward(uploadAll(backend, made.inputs));
    const first = step.backward(uploadAll(backend, made.gradients), { retain: true });
    const targets = first.map((storage, index) => (index === 0 ? storage : null));
    const second = step.backward(uploadAll(backend, made.gradients), { targets });
    expect(second[0]).toBe(first[0]);
    expect(second[1]).not.toBe(first[1]);
    expect(read(second)).toEqual(read(first));
  });

  it('runs its backward part once, unless it retains, and not after its end', () => {
    const made = makeProgram(SEED, backend);
    const compiled = backend.compile(made.program);
    const gradients = uploadAll(backend, made.gradients);
    const step = compiled.forward(uploadAll(backend, made.inputs));
    step.backward(gradients);
    expect(codeOf(() => step.backward(gradients))).toBe('PROGRAM_FINISHED');
    const other = compiled.forward(uploadAll(backend, made.inputs));
    other.dispose();
    other.dispose();
    expect(codeOf(() => other.backward(gradients))).toBe('PROGRAM_FINISHED');
  });

  it('refuses results that it does not compute, values that do not exist yet, and storages of others', () => {
    const recorder = new RecordingBackend(backend);
    const type = { shape: [3], dtype: 'float32' as const };
    const [x, other] = [recorder.external('float32', 3), recorder.external('float32', 3)];
    recorder.run(
      'binary',
      [x, other].map((storage) => ({ storage, ...type })),
      { function: 'add' },
      [type],
    );
    const program = {
      steps: recorder.steps,
      inputs: [x],
      results: [],
      backward: { steps: [], gradients: [], inputGradients: [] },
    };
    expect(codeOf(() => backend.compile(program))).toBe('PROGRAM_BUFFER');
    expect(
      codeOf(() => backend.compile({ ...program, inputs: [x, other], results: [recorder.external('float32', 1)] })),
    ).toBe('PROGRAM_RESULT');
    const compiled = backend.compile({ ...program, inputs: [x, other] });
    const foreign = WasmBackend.create({ threads: 1 }).upload(Float32Array.of(1, 2, 3), 'float32');
    expect(codeOf(() => compiled.forward([foreign, foreign]))).toBe('FOREIGN_STORAGE');
  });
});

describe('memory', () => {
  /** A program whose arena is about 1 MiB, all of it needed by the backward part. */
  function large(target: WasmBackend, length = 2 ** 16): CompiledProgram {
    const recorder = new RecordingBackend(target);
    const type = { shape: [length], dtype: 'float32' as const };
    const [x, seed] = [recorder.external('float32', length), recorder.external('float32', length)];
    const unary = (storage: typeof x, name: 'exp' | 'negative') =>
      recorder.run('unary', [{ storage, ...type }], { function: name }, [type])[0];
    const values = [unary(x, 'exp')];
    for (let index = 0; index < 3; index++) values.push(unary(values[index], index % 2 ? 'exp' : 'negative'));
    const result = recorder.run('reduce', [{ storage: values[3], ...type }], { function: 'sum', axes: [0] }, [
      { shape: [1], dtype: 'float32' },
    ])[0];
    const steps = [...recorder.steps];
    const gradient = values.reduce(
      (sum, value) =>
        recorder.run(
          'binary',
          [
            { storage: sum, ...type },
            { storage: value, ...type },
          ],
          { function: 'add' },
          [type],
        )[0],
      seed,
    );
    return target.compile({
      steps,
      inputs: [x],
      results: [result],
      backward: { steps: recorder.steps.slice(steps.length), gradients: [seed], inputGradients: [gradient] },
    });
  }

  const given = (target: WasmBackend, length = 2 ** 16): Storage =>
    target.upload(new Float32Array(length).fill(0.25), 'float32');

  it('forward passes without a backward pass use two arenas at most, even if nothing is collected', async () => {
    const target = WasmBackend.create({ threads: 1 });
    const compiled = large(target);
    const x = given(target);
    compiled.forward([x]);
    const one = target.info().heapUsed;
    for (let index = 0; index < 1000; index++) compiled.forward([x]);
    expect(target.info().heapUsed).toBeLessThan(one + 1.2 * 2 ** 20);
    await collect();
    expect(target.info().heapUsed).toBeLessThan(one + 1.2 * 2 ** 20);
  });

  it('what was spilled comes back, in any order', () => {
    const target = WasmBackend.create({ threads: 1, guard: true });
    const compiled = large(target, 1000);
    const inputs = Array.from({ length: 6 }, (_, index) =>
      target.upload(new Float32Array(1000).fill(index * 0.1), 'float32'),
    );
    const seed = given(target, 1000);
    const wanted = inputs.map((input) => read(compiled.forward([input]).backward([seed]), target));
    for (const order of [
      [0, 1, 2, 3, 4, 5],
      [5, 4, 3, 2, 1, 0],
      [2, 5, 0, 4, 1, 3],
    ]) {
      const runs = inputs.map((input) => compiled.forward([input]));
      for (const index of order) expect(read(runs[index].backward([seed]), target)).toEqual(wanted[index]);
    }
  });

  it('programs that do not run at once share an arena, the largest', () => {
    const target = WasmBackend.create({ threads: 1 });
    const [x, small] = [given(target), given(target, 1000)];
    const programs: [CompiledProgram, Storage][] = [
      [large(target, 1000), small],
      [large(target), x],
      [large(target, 1000), small],
    ];
    const before = target.info().heapUsed;
    for (let round = 0; round < 3; round++)
      for (const [compiled, input] of programs) compiled.forward([input]).dispose();
    expect(target.info().heapUsed).toBeLessThan(before + 1.1 * 2 ** 20);
  });

  it('a program that needs a little more takes over the arena of the one before it', () => {
    const target = WasmBackend.create({ threads: 1 });
    const lengths = [2 ** 19, 2 ** 19 * 1.1];
    const inputs = lengths.map((length) => given(target, length));
    const [first, second] = lengths.map((length) => large(target, length));
    first.forward([inputs[0]]).dispose();
    const { heapUsed } = target.info();
    second.forward([inputs[1]]).dispose();
    first.forward([inputs[0]]).dispose();
    expect(target.info().heapUsed).toBeLessThan(heapUsed + 2 ** 16);
  });

  it('of a program that is collected stays where another program needs as much', async () => {
    const target = WasmBackend.create({ threads: 1 });
    const [first, x] = [large(target), given(target)];
    first.forward([x]).dispose();
    const { heapUsed } = target.info();
    const dropped = ((): WeakRef<CompiledProgram> => {
      const second = large(target, 2 ** 15);
      second.forward([given(target, 2 ** 15)]).dispose();
      return new WeakRef(second);
    })();
    for (let attempt = 0; attempt < 50 && dropped.deref(); attempt++) await collect();
    await collect();
    expect(target.info().heapUsed).toBeGreaterThan(heapUsed - 1024);
    first.forward([x]).dispose();
  });

  it('of a program that is collected is given back: arenas, constants, open runs', async () => {
    const target = WasmBackend.create({ threads: 1 });
    await collect();
    const before = target.info().heapUsed;
    const use = (): void => {
      const compiled = large(target);
      const x = given(target);
      compiled.forward([x]);
      compiled.forward([x]).backward([x]);
    };
    use();
    expect(target.info().heapUsed).toBeGreaterThan(before + 2 ** 20);
    // When a registry hears of what was collected is up to the engine, more so on a busy machine.
    for (let attempt = 0; attempt < 50 && target.info().heapUsed !== before; attempt++) await collect();
    expect(target.info().heapUsed).toBe(before);
  });

  it('when the heap is full, says so before anything is computed, and goes on when there is room', async () => {
    const target = WasmBackend.create({ threads: 1, limit: 3 * 2 ** 20 });
    const compiled = large(target);
    const x = given(target);
    const wanted = read(compiled.forward([x]).results, target);
    await collect();
    const filling = Array.from({ length: 8 }, () => given(target, 2 ** 16));
    expect(codeOf(() => compiled.forward([x]))).toBe('HEAP_FULL');
    for (const storage of filling) target.release(storage);
    await collect();
    expect(read(compiled.forward([x]).results, target)).toEqual(wanted);
  });

  it('open runs give way to a program that needs their arenas', () => {
    const target = WasmBackend.create({ threads: 1, limit: 4 * 2 ** 20 });
    const [first, second] = [large(target), large(target)];
    const x = given(target);
    const wanted = read(first.forward([x]).backward([x]), target);
    const runs = [first.forward([x]), first.forward([x]), second.forward([x]), second.forward([x])];
    for (const each of runs) expect(read(each.backward([x]), target)).toEqual(wanted);
  });

  it('a gradient that does not fit leaves the run open', async () => {
    const target = WasmBackend.create({ threads: 1, limit: 3 * 2 ** 20 });
    const compiled = large(target);
    const x = given(target);
    const wanted = read(compiled.forward([x]).backward([x]), target);
    await collect();
    const step = compiled.forward([x]);
    const filling = Array.from({ length: 40 }, () => given(target, 2 ** 14));
    expect(codeOf(() => step.backward([x]))).toBe('HEAP_FULL');
    for (const storage of filling) target.release(storage);
    expect(read(step.backward([x]), target)).toEqual(wanted);
  });
});
