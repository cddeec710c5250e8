/** Sources that are put into those that read them. */
import { describe, expect, it } from 'vitest';
import { joinNodes } from '../../../src/kernels/gpujs/compile/joining.js';
import type { ComputedNode, NodeArgument, Part } from '../../../src/kernels/gpujs/compile/partNode.js';
import { scheduleNodes } from '../../../src/kernels/gpujs/compile/schedule.js';
import type { ProgramBuffer } from '../../../src/kernels/program.js';

const LIMITS = { arrays: 16, characters: 10_000 };
let ids = 0;

const buffer = (length: number): ProgramBuffer => ({ id: ids++, origin: 'external', dtype: 'float32', length });

const node = (source: string, length: number, ...args: (ComputedNode | ProgramBuffer | number)[]): ComputedNode => ({
  kind: 'computed',
  source,
  length,
  arguments: args.map((each): NodeArgument => (typeof each === 'number' ? each : { array: each, offset: 0 })),
  kernel: 'unary',
});

/** A part whose last node is what is needed of it. */
function partOf(...nodes: ComputedNode[]): { part: Part; needed: Set<ProgramBuffer> } {
  const last = nodes[nodes.length - 1];
  const result = buffer(last.length);
  return { part: { nodes, places: new Map([[result, { array: last, offset: 0 }]]) }, needed: new Set([result]) };
}

/** Computes a node as GPU.js would, in JavaScript. */
function evaluate(each: ComputedNode, values: ReadonlyMap<ProgramBuffer, readonly number[]>): number[] {
  const run = new Function('x', 'args', `return (${each.source}).apply({ thread: { x } }, args);`);
  const args = each.arguments.map((argument) =>
    typeof argument === 'number' ? argument : values.get(argument.array as ProgramBuffer),
  );
  return Array.from({ length: each.length }, (_, x) => run(x, args) as number);
}

const addOne = 'function (x) { const value = x[this.thread.x]; return value + 1; }';
const times = 'function (x, factor) { const value = x[this.thread.x]; return value * factor; }';
const sumOf = (count: number): string =>
  `function (x) { let value = 0; for (let k = 0; k < ${count}; k++) { value = value + x[k + this.thread.x]; } return value; }`;

describe('joinNodes', () => {
  it('joins a chain into one source, which reads each array once', () => {
    const x = buffer(3);
    const first = node(addOne, 3, x);
    const second = node(times, 3, first, 10);
    const third = node('function (a, b) { return a[this.thread.x] - b[this.thread.x]; }', 3, second, x);
    const { part, needed } = partOf(first, second, third);
    const { nodes } = joinNodes(part, needed, LIMITS);
    expect(nodes).toEqual([third]);
    expect(third.arguments.filter((each) => typeof each !== 'number')).toHaveLength(1);
    expect(evaluate(third, new Map([[x, [1, 2, 3]]]))).toEqual([19, 28, 37]);
  });

  it('rounds to float32 where a value would have been stored', () => {
    const x = buffer(1);
    const first = node('function (x) { return x[this.thread.x] / 3; }', 1, x);
    const second = node('function (x) { return x[this.thread.x] * 3; }', 1, first);
    const { part, needed } = partOf(first, second);
    joinNodes(part, needed, LIMITS);
    expect(evaluate(second, new Map([[x, [0.1]]]))).toEqual([Math.fround(0.1 / 3) * 3]);
  });

  it('computes a small array again for each element that reads it, before the statement that does', () => {
    const [x, scale] = [buffer(4), buffer(2)];
    const low = node('function (s) { return -s[this.thread.x]; }', 2, scale);
    const clamped = node(
      `function (x, low) {
        const channel = Math.floor(this.thread.x / 2);
        const least = low[channel];
        let value = x[this.thread.x];
        if (value < least) { value = low[channel]; }
        return value;
      }`,
      4,
      x,
      low,
    );
    const { part, needed } = partOf(low, clamped);
    expect(joinNodes(part, needed, LIMITS).nodes).toEqual([clamped]);
    const values = new Map([
      [x, [-5, 0, -5, -1]],
      [scale, [1, 2]],
    ]);
    expect(evaluate(clamped, values)).toEqual([-1, 0, -2, -1]);
  });

  it('joins a sum into its only reader, and not into a loop or two readers', () => {
    const x = buffer(6);
    const sum = node(sumOf(4), 3, x);
    const one = node(addOne, 3, sum);
    const alone = partOf(sum, one);
    expect(joinNodes(alone.part, alone.needed, LIMITS).nodes).toEqual([one]);
    expect(evaluate(one, new Map([[x, [1, 1, 1, 1, 2, 3]]]))).toEqual([5, 6, 8]);

    const made = node(addOne, 6, x);
    const summed = node(sumOf(4), 3, made);
    const looped = partOf(made, summed);
    expect(joinNodes(looped.part, looped.needed, LIMITS).nodes).toEqual([made, summed]);

    const shared = node(sumOf(4), 3, x);
    const [left, right] = [node(addOne, 3, shared), node(times, 3, shared, 2)];
    const both = node('function (a, b) { return a[0] + b[1]; }', 1, left, right);
    const twice = partOf(shared, left, right, both);
    expect(joinNodes(twice.part, twice.needed, LIMITS).nodes).toContain(shared);
  });

  it('keeps what is needed, and to the number of arrays that a launch reads', () => {
    const [x, y] = [buffer(3), buffer(3)];
    const sum = node('function (a, b) { return a[this.thread.x] + b[this.thread.x]; }', 3, x, y);
    const last = node(addOne, 3, sum);
    const { part, needed } = partOf(sum, last);
    expect(joinNodes(part, needed, { ...LIMITS, arrays: 1 }).nodes).toEqual([sum, last]);
    const kept = buffer(3);
    const places = new Map([...part.places, [kept, { array: sum, offset: 0 }] as const]);
    expect(joinNodes({ ...part, places }, new Set([...needed, kept]), LIMITS).nodes).toEqual([sum, last]);
  });

  it('reads a part of an array that is computed as one', () => {
    const x = buffer(6);
    const whole = node(addOne, 6, x);
    const last: ComputedNode = { ...node(times, 2, x, 2), arguments: [{ array: whole, offset: 4 }, 2] };
    const { part, needed } = partOf(whole, last);
    joinNodes(part, needed, LIMITS);
    expect(evaluate(last, new Map([[x, [0, 1, 2, 3, 4, 5]]]))).toEqual([10, 12]);
  });
});

describe('scheduleNodes', () => {
  it('packs what is independent, and nothing that is kept with something large that is not', () => {
    const x = buffer(2 ** 13);
    const [small, large] = [node(addOne, 2, x), node(addOne, 2 ** 13, x)];
    const last = node(
      'function (a) { let sum = 0; for (let k = 0; k < 9; k++) { sum = sum + a[k]; } return sum; }',
      1,
      large,
    );
    const { part, needed } = partOf(small, large, last);
    const kept = buffer(2);
    const places = new Map([...part.places, [kept, { array: small, offset: 0 }] as const]);
    const lengths = (wanted: ReadonlySet<ProgramBuffer>): number[] =>
      scheduleNodes({ ...part, places }, wanted, 16).map((each) => (each.kind === 'launch' ? each.length : 0));
    expect(lengths(needed)).toEqual([2 ** 13 + 2, 1]);
    expect(lengths(new Set([...needed, kept]))).toEqual([2, 2 ** 13, 1]);
  });
});
