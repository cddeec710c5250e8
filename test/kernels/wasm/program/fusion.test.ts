/** Which steps of a program run as one, and that the order of what is left is one that works. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelName, TensorType } from '../../../../src/kernels/contract.js';
import {
  inputsOf,
  isKernelStep,
  type KernelProgram,
  type ProgramBuffer,
  type ProgramStep,
  RecordingBackend,
} from '../../../../src/kernels/program.js';
import { ReferenceBackend } from '../../../../src/kernels/reference/backend.js';
import { WasmBackend } from '../../../../src/kernels/wasm/backend.js';
import { buffersRead, buffersWritten, isFused, type PartStep } from '../../../../src/kernels/wasm/program/fusedStep.js';
import { fuseSteps } from '../../../../src/kernels/wasm/program/fusion.js';
import { makeProgram, programSeed, runCallByCall, uploadAll } from '../../programs.js';

const reference = new ReferenceBackend();

const stepsOf = (step: PartStep): readonly ProgramStep[] => (isFused(step) ? step.steps : [step]);

/** What each step does, by kernels. */
const names = (steps: readonly PartStep[]): string[] =>
  steps.map((step) =>
    stepsOf(step)
      .map((each) =>
        isKernelStep(each) ? ((each.attributes as { function?: string }).function ?? each.kernel) : 'host',
      )
      .join('+'),
  );

/** Records calls on shapes by name. */
class Recorder {
  readonly backend = new RecordingBackend(reference);

  external(shape: readonly number[]): ProgramBuffer {
    return this.backend.external(
      'float32',
      shape.reduce((product, extent) => product * extent, 1),
    );
  }

  run(
    kernel: KernelName,
    attributes: object,
    inputs: readonly (readonly [ProgramBuffer, readonly number[]])[],
    outputs: readonly TensorType[],
  ): ProgramBuffer[] {
    const operands = inputs.map(([storage, shape]) => ({ storage, shape, dtype: storage.dtype }));
    return this.backend.run(kernel, operands, attributes as never, outputs);
  }

  unary(name: string, x: ProgramBuffer, shape: readonly number[]): ProgramBuffer {
    return this.run('unary', { function: name }, [[x, shape]], [{ shape, dtype: 'float32' }])[0];
  }

  add(a: ProgramBuffer, b: ProgramBuffer, shape: readonly number[]): ProgramBuffer {
    const operands = [a, b].map((each) => [each, shape] as const);
    return this.run('binary', { function: 'add' }, operands, [{ shape, dtype: 'float32' }])[0];
  }

  /** A kernel that no chain has. */
  softmax(x: ProgramBuffer, shape: readonly number[]): ProgramBuffer {
    return this.run('softmax', { axis: 1 }, [[x, shape]], [{ shape, dtype: 'float32' }])[0];
  }

  fused(...needed: ProgramBuffer[]): PartStep[] {
    return fuseSteps(this.backend.steps, new Set(needed.map(({ id }) => id)));
  }
}

const SHAPE = [4, 20];

describe('fuseSteps', () => {
  it('makes one step of a chain, which writes what others read', () => {
    const record = new Recorder();
    const x = record.external(SHAPE);
    const first = record.unary('relu', x, SHAPE);
    const second = record.unary('exp', first, SHAPE);
    const third = record.unary('abs', second, SHAPE);
    const [fused, ...others] = record.fused(third, first);
    expect(others).toEqual([]);
    expect(buffersRead(fused)).toEqual([x]);
    expect(buffersWritten(fused)).toEqual([first, third]);
  });

  it('joins what is apart, unless something has to run in between', () => {
    const record = new Recorder();
    const x = record.external(SHAPE);
    const a = record.unary('relu', x, SHAPE);
    const other = record.softmax(record.external(SHAPE), SHAPE);
    const b = record.add(a, other, SHAPE);
    expect(names(record.fused(b))).toEqual(['softmax', 'relu+add']);
    const c = record.add(b, record.softmax(b, SHAPE), SHAPE);
    expect(names(record.fused(c))).toEqual(['softmax', 'relu+add', 'softmax', 'add']);
  });

  it('joins a reader that comes later, ahead of steps between that need neither', () => {
    const record = new Recorder();
    const x = record.external(SHAPE);
    const a = record.unary('relu', x, SHAPE);
    const wide = record.softmax(a, SHAPE);
    const b = record.unary('abs', a, SHAPE);
    expect(names(record.fused(wide, b))).toEqual(['relu+abs', 'softmax']);
  });

  it('does not join what broadcasts a value of the chain, or reads a sum', () => {
    const record = new Recorder();
    const row = record.unary('relu', record.external([1, 20]), [1, 20]);
    const operands = [
      [row, [1, 20]],
      [record.external(SHAPE), SHAPE],
    ] as const;
    const [sum] = record.run('binary', { function: 'add' }, operands, [{ shape: SHAPE, dtype: 'float32' }]);
    expect(names(record.fused(sum))).toEqual(['relu', 'add']);
    const limits = [record.external([1]), record.external([1])];
    const [, , dRange] = record.run(
      'fakeQuantizeGradient',
      { levels: 16, levelLow: -8, levelHigh: 7 },
      [[sum, SHAPE], [record.external(SHAPE), SHAPE], ...limits.map((each) => [each, [1]] as const)],
      [SHAPE, [1], [1]].map((shape) => ({ shape, dtype: 'float32' })),
    );
    const sign = record.unary('sign', dRange, [1]);
    expect(names(record.fused(sign))).toEqual(['relu', 'add+fakeQuantizeGradient', 'sign']);
  });

  it('writes of a gradient only what is read', () => {
    const record = new Recorder();
    const [g, x] = [record.external(SHAPE), record.external(SHAPE)];
    const limits = [record.external([1]), record.external([1])];
    const made = record.run(
      'fakeQuantizeGradient',
      { levels: 16, levelLow: -8, levelHigh: 7 },
      [[g, SHAPE], [x, SHAPE], ...limits.map((each) => [each, [1]] as const)],
      [SHAPE, [1], [1]].map((shape) => ({ shape, dtype: 'float32' })),
    );
    expect(buffersWritten(record.fused(made[2])[0])).toEqual([made[2]]);
  });

  it('keeps the order of the host', () => {
    const record = new Recorder();
    const make = (): ProgramBuffer => record.backend.generate(() => new Float32Array(80), 80, 'float32');
    const late = record.softmax(record.external(SHAPE), SHAPE);
    const first = make();
    const second = make();
    const sum = record.add(record.unary('relu', second, SHAPE), late, SHAPE);
    const fused = record.fused(sum, first);
    const hosts = fused.filter((step) => !isFused(step) && !isKernelStep(step)).flatMap(buffersWritten);
    expect(hosts).toEqual([first, second]);
  });

  it('keeps every step once, in an order in which all that is read exists', () => {
    fc.assert(
      fc.property(programSeed(20), (seed) => {
        const { program, inputs: _, ...made } = makeProgram(seed, reference);
        const { steps, inputs, results, backward } = program;
        const kept = [...results, ...backward.steps.flatMap(inputsOf), ...backward.inputGradients];
        const needed = new Set(kept.map(({ id }) => id));
        const fused = fuseSteps(steps, needed);
        const order = fused.flatMap(stepsOf);
        expect(order.length).toBe(steps.length);
        expect(new Set(order)).toEqual(new Set(steps));
        const known = new Set<ProgramBuffer>(inputs);
        for (const step of fused) {
          for (const buffer of buffersRead(step)) expect(buffer.origin === 'constant' || known.has(buffer)).toBe(true);
          for (const buffer of buffersWritten(step)) known.add(buffer);
        }
        for (const buffer of kept) {
          const computed = steps.some((step) => buffersWritten(step).includes(buffer));
          expect(!computed || known.has(buffer)).toBe(true);
        }
        expect(made.gradients.length).toBeGreaterThan(0);
      }),
      { numRuns: 150 },
    );
  });
});

describe('two threads', () => {
  it('give the bits of one, and of separate calls', async () => {
    const [one, two] = [1, 2].map((threads) => WasmBackend.create({ threads, minimumShared: 1 }));
    await two.setThreads(2);
    const run = (backend: WasmBackend, program: KernelProgram, made: ReturnType<typeof makeProgram>) => {
      const step = backend.compile(program).forward(uploadAll(backend, made.inputs));
      const gradients = step.backward(uploadAll(backend, made.gradients));
      const read = (storages: typeof gradients) => storages.map((storage) => [...backend.readSync(storage)]);
      return { results: read(step.results), gradients: read(gradients) };
    };
    fc.assert(
      fc.property(programSeed(16), (seed) => {
        const made = makeProgram(seed, one);
        const wanted = runCallByCall(made, made.program.backward, one);
        expect(run(one, made.program, made)).toEqual(wanted);
        expect(run(two, made.program, made)).toEqual(wanted);
      }),
      { numRuns: 30 },
    );
    await two.dispose();
  });
});
