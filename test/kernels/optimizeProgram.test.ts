/** Optimized programs compute the same bits with fewer calls. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewBuffers } from '../../src/kernels/newBuffers.js';
import { optimizeProgram } from '../../src/kernels/optimizeProgram.js';
import { inputsOf } from '../../src/kernels/program.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { splitBatchNorm } from '../../src/kernels/splitBatchNorm.js';
import { makeProgram, programSeed, runCallByCall } from './programs.js';
import { kernelsOf as kernels, Recorder } from './recorder.js';

const reference = new ReferenceBackend();

describe('optimizeProgram', () => {
  it('computes the same bits, for every part', () => {
    fc.assert(
      fc.property(programSeed(20), fc.constantFrom(1000, 100, 0), (seed, keptElements) => {
        const made = makeProgram(seed, reference);
        const optimized = optimizeProgram(made.program, keptElements);
        const run = { ...made, program: optimized.program };
        expect(runCallByCall(run, optimized.program.backward, reference)).toEqual(
          runCallByCall(made, made.program.backward, reference),
        );
        expect(runCallByCall(run, optimized.part(made.smaller), reference)).toEqual(
          runCallByCall(made, made.smaller, reference),
        );
        const split = splitBatchNorm(made.program.steps, new NewBuffers());
        expect(optimized.program.steps.length).toBeLessThanOrEqual(split.length);
      }),
      { numRuns: 200 },
    );
  });

  it('leaves out repeated calls, also of repeated calls', () => {
    const record = new Recorder();
    const x = record.input();
    const [a, b] = [record.exp(record.exp(x)), record.exp(record.exp(x))];
    const { program } = optimizeProgram(record.program([x], [a, b, record.add(a, b)]));
    expect(kernels(program.steps)).toEqual(['unary', 'unary', 'binary']);
    expect(program.results[0]).toBe(program.results[1]);
  });

  it('tells calls apart by kernel, attributes, operands, their order and their shapes', () => {
    const record = new Recorder();
    const [x, y] = [record.input(), record.input()];
    const results = [
      record.clamp(x, { min: 0, max: Number.POSITIVE_INFINITY }),
      record.clamp(x, { min: Number.NEGATIVE_INFINITY, max: 0 }),
      record.clamp(x, { min: Number.NaN, max: 0 }),
      record.clamp(x, { min: -0, max: Number.POSITIVE_INFINITY }),
      record.clamp(y, { min: 0, max: Number.POSITIVE_INFINITY }),
      record.add(x, y),
      record.add(y, x),
      record.exp(x),
    ];
    const operand = (shape: number[]) => ({ storage: x, shape, dtype: 'float32' as const });
    for (const shape of [
      [2, 2],
      [4, 1],
    ])
      results.push(
        ...record.backend.run('unary', [operand(shape)], { function: 'exp' }, [{ shape, dtype: 'float32' }]),
      );
    const { program } = optimizeProgram(record.program([x, y], results));
    expect(program.steps).toHaveLength(results.length);
  });

  it('takes small constants of the same bits for the same', () => {
    const record = new Recorder();
    const x = record.input();
    const results = [
      record.add(x, record.constant(1)),
      record.add(x, record.constant(1)),
      record.add(x, record.constant(0)),
      record.add(x, record.constant(-0)),
      record.add(x, record.constant(1, 1, 1, 1)),
    ];
    expect(optimizeProgram(record.program([x], results)).program.steps).toHaveLength(4);
  });

  it('lets the backward part use what the forward part has, unless that would keep something large', () => {
    for (const [length, calls] of [
      [100, 0],
      [100_000, 1],
    ]) {
      const record = new Recorder();
      const x = record.input(length);
      const forward = record.exp(record.exp(x));
      const program = record.program([x], [record.exp(forward)], (seed) => [
        record.add(record.exp(x), record.constant(1)),
        seed,
      ]);
      const { backward } = optimizeProgram(program).program;
      expect(kernels(backward.steps)).toEqual([...new Array(calls).fill('unary'), 'binary']);
    }
  });

  it('leaves out what nobody reads, but not the making of random numbers', () => {
    const record = new Recorder();
    const x = record.input();
    const mask = record.backend.generate(() => Float32Array.of(1, 0, 1, 0), 4, 'float32');
    record.add(record.exp(x), mask);
    const kept = record.exp(x);
    const program = record.program([x], [kept], (seed) => {
      record.add(seed, kept);
      return [];
    });
    const optimized = optimizeProgram(program).program;
    expect(kernels(optimized.steps)).toEqual(['generate', 'unary']);
    expect(optimized.backward.steps).toEqual([]);
  });

  it('keeps what is shown to the host, from the first call that computes it', () => {
    const record = new Recorder();
    const x = record.input();
    const first = record.exp(x);
    const second = record.exp(x);
    record.backend.show(second, () => {});
    const { program } = optimizeProgram(record.program([x], []));
    expect(program.steps.map(inputsOf)).toEqual([[x], [first]]);
  });

  it('keeps a forward value that is itself a gradient', () => {
    const record = new Recorder();
    const x = record.input();
    const y = record.exp(x);
    const { program } = optimizeProgram(record.program([x], [x], () => [y, record.exp(x)]));
    expect(kernels(program.steps)).toEqual(['unary']);
    expect(program.backward.inputGradients).toEqual([y, y]);
  });
});
