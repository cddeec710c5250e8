/** Sources that are taken apart and put together again. */
import { describe, expect, it } from 'vitest';
import { Packer, packProgram, packSources } from '../../../src/kernels/gpujs/compile/packing.js';
import { parseSource, withOffsets } from '../../../src/kernels/gpujs/compile/sourceText.js';
import { independentSteps, input, type Program, type Step } from '../../../src/kernels/gpujs/program.js';

/** Computes a step as GPU.js would, in JavaScript. */
function evaluate({ source, length }: Pick<Step, 'source' | 'length'>, args: readonly unknown[]): number[] {
  const body = `return (${source}).apply({ thread: { x } }, args);`;
  const run = new Function('x', 'args', body) as (x: number, args: readonly unknown[]) => number;
  return Array.from({ length }, (_, x) => run(x, args));
}

const doubled: Step = {
  source: 'function (x, factor) { const value = x[this.thread.x]; return factor * value; }',
  length: 3,
  arguments: [input(0), 2],
};
const reversed: Step = {
  source: 'function (a, b) { let value = 0; if (b[0] > 0) { value = a[1 - this.thread.x]; } return value; }',
  length: 2,
  arguments: [input(1), input(0)],
};

const pack = (steps: readonly Step[]): Step =>
  packSources(steps, (each) => (typeof each === 'number' ? null : JSON.stringify(each)));

describe('parseSource', () => {
  it('finds parameters, statements and the result', () => {
    expect(parseSource('function (x,\n y) { const a = x[0]; // return\n return a + y; }')).toMatchObject({
      parameters: ['x', 'y'],
      result: 'a + y',
    });
  });

  it('finds no result where a return is not the last statement', () => {
    expect(parseSource('function (x) { if (x[0] > 0) { return 0; } return 1; }').result).toBeUndefined();
    expect(parseSource('function (x) { if (x[0] > 0) { return 0; } }').result).toBeUndefined();
  });
});

describe('withOffsets', () => {
  it('adds the offset to every position, also inside of positions', () => {
    const source = 'function (x, at, xs) { return x[at[this.thread.x]] + x[0] + xs[1]; }';
    const shifted = withOffsets(source, [true, true, false]);
    const args = [[9, 9, 1, 2, 3], [9, 2, 1], [7, 8], 2, 1];
    expect(evaluate({ source: shifted, length: 2 }, args)).toEqual([3 + 1 + 8, 2 + 1 + 8]);
    expect(withOffsets(source, [false, false, false])).toBe(source);
  });
});

describe('packSources', () => {
  it('computes several steps one after another, and reads each array once', () => {
    const packed = pack([doubled, reversed, doubled]);
    expect(packed.length).toBe(8);
    expect(packed.arguments).toEqual([input(0), 2, input(1), 2]);
    const values = [[1, 2, 3], 2, [5, 6], 2];
    expect(evaluate(packed, values)).toEqual([2, 4, 6, 6, 5, 2, 4, 6]);
  });

  it('packs packs', () => {
    const inner = pack([doubled, reversed]);
    const packed = pack([inner, inner]);
    expect(evaluate(packed, [[1, 2, 3], 2, [5, 6], 3])).toEqual([2, 4, 6, 6, 5, 3, 6, 9, 6, 5]);
  });
});

describe('packProgram', () => {
  it('keeps what reads another step behind it', () => {
    const sum: Step = { source: 'function (a) { return a[0] + a[1]; }', length: 1, arguments: [{ step: 1 }] };
    const program: Program = { steps: [doubled, reversed, sum], outputs: [0, 2, { step: 1, offset: 1 }] };
    const { steps, outputs } = packProgram(program, 16);
    expect(steps.map(({ length }) => length)).toEqual([5, 1]);
    expect(steps[1].arguments).toEqual([{ step: 0, offset: 3 }]);
    expect(outputs).toEqual([
      { step: 0, offset: 0 },
      { step: 1, offset: 0 },
      { step: 0, offset: 4 },
    ]);
  });

  it('reads no more arrays than a launch can', () => {
    const program = independentSteps([doubled, reversed, doubled]);
    expect(packProgram(program, 1).steps.map(({ length }) => length)).toEqual([6, 2]);
  });

  it('leaves a step with several returns alone', () => {
    const early: Step = {
      ...doubled,
      source: 'function (x) { if (x[0] > 0) { return 1; } return 0; }',
      arguments: [input(0)],
    };
    expect(packProgram(independentSteps([doubled, early, reversed]), 16).steps.map(({ length }) => length)).toEqual([
      5, 3,
    ]);
  });
});

describe('Packer', () => {
  it('packs a program once and passes the numbers of each call on', () => {
    const packer = new Packer(16);
    const pack = (factor: number) =>
      packer.pack(independentSteps([{ ...doubled, arguments: [input(0), factor] }, reversed])).steps[0];
    const [first, second] = [pack(2), pack(Number.POSITIVE_INFINITY)];
    expect(second.source).toBe(first.source);
    expect(first.arguments).toEqual([input(0), 2, input(1)]);
    expect(second.arguments).toEqual([input(0), Number.POSITIVE_INFINITY, input(1)]);
  });
});
