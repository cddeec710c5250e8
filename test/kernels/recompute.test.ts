/** Values that are made again in the backward part: the same bits from less that is kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewBuffers } from '../../src/kernels/newBuffers.js';
import { optimizeProgram } from '../../src/kernels/optimizeProgram.js';
import {
  type BackwardPart,
  inputsOf,
  type KernelProgram,
  outputsOf,
  type ProgramBuffer,
} from '../../src/kernels/program.js';
import { Recomputation } from '../../src/kernels/recompute.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { makeProgram, programSeed, runCallByCall } from './programs.js';
import { kernelsOf, Recorder } from './recorder.js';

const reference = new ReferenceBackend();
const LARGE = 20_000;

/** Bytes of the forward part that a backward part reads, results apart. */
function keptBytes({ steps, results }: KernelProgram, part: BackwardPart): number {
  const computed = new Set(steps.flatMap(outputsOf));
  const read = new Set([...part.steps.flatMap(inputsOf), ...part.inputGradients]);
  return [...read]
    .filter((buffer) => computed.has(buffer) && !results.includes(buffer))
    .reduce((sum, { length }) => sum + length * 4, 0);
}

/** What the backward part reads of the forward part. */
function keptOf({ steps, backward }: KernelProgram): ProgramBuffer[] {
  const computed = new Set(steps.flatMap(outputsOf));
  return [...new Set(backward.steps.flatMap(inputsOf))].filter((buffer) => computed.has(buffer));
}

describe('recomputation', () => {
  it('computes the same bits for every part, and never keeps more', () => {
    let lower = 0;
    fc.assert(
      fc.property(programSeed(20), fc.constantFrom(100, 0), (seed, keptElements) => {
        const made = makeProgram(seed, reference);
        const { steps, results, backward } = made.program;
        const saved = new Set(backward.steps.flatMap(inputsOf).filter(({ origin }) => origin === 'external'));
        const recomputation = new Recomputation({ steps, results, saved }, backward, new NewBuffers(), keptElements);
        const [whole, smaller] = [backward, made.smaller].map((part) => recomputation.apply(part));
        expect(runCallByCall(made, whole, reference)).toEqual(runCallByCall(made, backward, reference));
        expect(runCallByCall(made, smaller, reference)).toEqual(runCallByCall(made, made.smaller, reference));
        const [before, after] = [backward, whole].map((part) => keptBytes(made.program, part));
        expect(after).toBeLessThanOrEqual(before);
        if (after < before) lower++;
        const read = new Set(whole.steps.flatMap(inputsOf));
        const unread = smaller.steps.flatMap(inputsOf).filter((buffer) => {
          const outside = !steps.some((step) => outputsOf(step).includes(buffer));
          return !outside && !read.has(buffer);
        });
        expect(unread, 'a smaller part reads what the larger one does not keep').toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(lower).toBeGreaterThan(10);
  });

  it('makes activations again from what they were computed from, directly before each step that needs them', () => {
    const record = new Recorder();
    const x = record.input(LARGE);
    const convolved = record.softmax(x);
    const activated = record.exp(record.exp(convolved));
    const program = record.program(
      [x],
      [record.softmax(activated)],
      (seed) => {
        const first = record.softmax(record.multiply(seed, activated));
        const second = record.multiply(record.softmax(record.multiply(first, convolved)), activated);
        return [record.softmax(second)];
      },
      LARGE,
    );
    const { program: optimized } = optimizeProgram(program);
    expect(keptOf(optimized)).toEqual([convolved]);
    const chain = ['unary', 'unary', 'binary'];
    expect(kernelsOf(optimized.backward.steps)).toEqual([
      ...[...chain, 'softmax'],
      ...['binary', 'softmax'],
      ...[...chain, 'softmax'],
    ]);
  });

  it('shares what was made again among elementwise steps in a row', () => {
    const record = new Recorder();
    const x = record.input(LARGE);
    const convolved = record.softmax(x);
    const activated = record.exp(convolved);
    const program = record.program(
      [x],
      [record.softmax(activated)],
      (seed) => [record.multiply(record.multiply(seed, activated), activated), record.softmax(convolved)],
      LARGE,
    );
    const { backward } = optimizeProgram(program).program;
    expect(kernelsOf(backward.steps)).toEqual(['unary', 'binary', 'binary', 'softmax']);
  });

  it('keeps what it could only make again from something as large that nobody needs', () => {
    const record = new Recorder();
    const x = record.input(LARGE);
    const activated = record.exp(record.softmax(x));
    const program = record.program(
      [x],
      [record.softmax(activated)],
      (seed) => [record.multiply(seed, activated)],
      LARGE,
    );
    expect(keptOf(optimizeProgram(program).program)).toEqual([activated]);
  });

  it('does not read inputs that no gradient rule saved: they may change before the backward part', () => {
    const record = new Recorder();
    const [x, bias] = [record.input(LARGE), record.input(LARGE)];
    const convolved = record.softmax(x);
    const [saved, free] = [record.add(convolved, x), record.add(convolved, bias)];
    const program = record.program(
      [x, bias],
      [record.softmax(saved), record.softmax(free)],
      (seed) => [saved, free, convolved, x].map((value) => record.softmax(record.multiply(seed, value))),
      LARGE,
    );
    expect(new Set(keptOf(optimizeProgram(program).program))).toEqual(new Set([convolved, free]));
  });

  it('does not unroll a residual network: every other sum is kept', () => {
    const record = new Recorder();
    const x = record.input(LARGE);
    const convolved: ProgramBuffer[] = [];
    const sums: ProgramBuffer[] = [record.softmax(x)];
    for (let block = 0; block < 8; block++) {
      const last = sums[block];
      convolved.push(record.softmax(last));
      sums.push(record.add(record.exp(convolved[block]), last));
    }
    const program = record.program(
      [x],
      [record.softmax(sums[8])],
      (seed) => [...sums, ...convolved].map((value) => record.softmax(record.multiply(seed, value))),
      LARGE,
    );
    const kept = new Set(keptOf(optimizeProgram(program).program));
    expect(sums.map((sum) => kept.has(sum))).toEqual([true, false, true, false, true, false, true, false, true]);
    expect(convolved.every((each) => kept.has(each))).toBe(true);
  });

  it('leaves results and small values as they are', () => {
    const record = new Recorder();
    const [x, small] = [record.input(LARGE), record.input(100)];
    const convolved = record.softmax(x);
    const [result, range] = [record.exp(convolved), record.exp(small)];
    const program = record.program(
      [x, small],
      [result],
      (seed) => [
        record.multiply(seed, result),
        record.softmax(record.multiply(seed, convolved)),
        record.softmax(record.add(range, small)),
      ],
      LARGE,
    );
    expect(new Set(keptOf(optimizeProgram(program).program))).toEqual(new Set([convolved, result, range]));
  });
});
