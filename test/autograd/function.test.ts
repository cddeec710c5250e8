/** Differentiable functions with a backward pass of the user's own. */
import { describe, expect, it } from 'vitest';
import { customFunction, isGradEnabled, noGrad } from '../../src/autograd/index.js';
import { AutogradError, ShapeError } from '../../src/errors.js';
import '../../src/ops/methods.js';
import { tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const values = (x: Tensor | null): number[] => [...(x?.dataSync() ?? [])];
const leaf = (...list: number[]): Tensor => tensor(list, { requiresGrad: true });

describe('customFunction', () => {
  it('uses the given backward', () => {
    // Rounding with a straight-through gradient.
    const roundThrough = customFunction<[Tensor]>({
      forward: (_context, x) => x.round(),
      backward: (_context, g) => [g],
    });
    const w = leaf(0.4, 1.6);
    const y = roundThrough(w);
    expect(values(y)).toEqual([0, 2]);
    y.mul(tensor([3, 5]))
      .sum()
      .backward();
    expect(values(w.grad)).toEqual([3, 5]);
  });

  it('saves tensors, records nothing of forward, and knows which inputs need a gradient', () => {
    const needed: boolean[][] = [];
    const multiply = customFunction<[Tensor, Tensor]>({
      forward(context, a, b) {
        expect(isGradEnabled()).toBe(false);
        context.saveForBackward(a, b);
        return a.mul(b);
      },
      backward({ saved: [a, b], needsInputGrad }, g) {
        needed.push([...needsInputGrad]);
        return [g.mul(b), needsInputGrad[1] ? g.mul(a) : null];
      },
    });
    const [a, b] = [leaf(2), leaf(5)];
    multiply(a, b).backward();
    expect([values(a.grad), values(b.grad)]).toEqual([[5], [2]]);
    multiply(a, b.detach()).backward();
    expect(needed).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  it('frees and guards what it saved', () => {
    const square = customFunction<[Tensor]>({
      name: 'square',
      forward(context, x) {
        context.saveForBackward(x);
        return x.mul(x);
      },
      backward: ({ saved: [x] }, g) => [g.mul(x).mul(2)],
    });
    const w = leaf(3);
    const y = square(w);
    y.backward();
    expect(() => y.backward()).toThrow(/second time through square/);
    const z = square(w);
    noGrad(() => w.add_(1));
    expect(() => z.backward()).toThrow(/that square needs for its gradient was changed in place/);
  });

  it('refuses a wrong number of gradients, and a wrong shape', () => {
    const short = customFunction<[Tensor, Tensor]>({
      name: 'short',
      forward: (_context, a) => a.mul(1),
      backward: (_context, g) => [g],
    });
    expect(() => short(leaf(1), leaf(2)).backward()).toThrow(AutogradError);
    expect(() => short(leaf(1), leaf(2)).backward()).toThrow(/short returned 1 gradients for 2 inputs/);
    const wide = customFunction<[Tensor]>({ forward: (_context, a) => a.mul(1), backward: () => [tensor([1, 2])] });
    expect(() => wide(leaf(1)).backward()).toThrow(ShapeError);
  });

  it('may return its input, and is not recorded without need', () => {
    const same = customFunction<[Tensor]>({ forward: (_context, x) => x, backward: (_context, g) => [g.mul(10)] });
    const w = leaf(1);
    const y = same(w);
    expect([w.isLeaf, y.isLeaf]).toEqual([true, false]);
    y.backward();
    expect(values(w.grad)).toEqual([10]);
    const x = tensor([1]);
    expect(same(x).requiresGrad).toBe(false);
    expect(noGrad(() => same(w)).isLeaf).toBe(true);
  });
});
