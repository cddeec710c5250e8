/** The tape: where gradients go, when saved values are freed, and what it refuses. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, enableGrad, isGradEnabled, noGrad } from '../../src/autograd/index.js';
import { AutogradError, DTypeError, QuantGradError, ShapeError } from '../../src/errors.js';
import '../../src/ops/methods.js';
import { apply } from '../../src/autograd/dispatch.js';
import { defineOperation, type GradientRule, type KernelCall, kernelCall } from '../../src/autograd/operation.js';
import { backwardFrom, record, TapeNode } from '../../src/autograd/tape.js';
import { EXP } from '../../src/ops/elementwise/exp.js';
import { ones, tensor, zeros } from '../../src/tensor/create.js';
import type { Shape } from '../../src/tensor/shape.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const values = (x: Tensor | null): number[] => [...(x?.dataSync() ?? [])];
const leaf = (...list: number[]): Tensor => tensor(list, { requiresGrad: true });

/** Node's collector, which is hidden unless asked for. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The error code of what `body` throws. */
function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Applies an operation of a test's own, which saves nothing. */
function applyOwn(call: KernelCall, inputs: readonly Tensor[], gradient: GradientRule<Record<string, never>>): Tensor {
  const definition = defineOperation<Record<string, never>>({
    type: 'Own',
    infer: ([x]) => [x],
    lower: () => call,
    saves: {},
  });
  return apply(definition, inputs, {}, gradient)[0];
}

/** A negation that tells when its gradient rule runs. */
const negativeThatTells = (x: Tensor, ran: () => void): Tensor =>
  applyOwn(kernelCall('unary', { function: 'negative' }), [x], (_context, [g]) => {
    ran();
    return [g?.neg() ?? null];
  });

describe('backward', () => {
  it('accumulates into grad until it is reset', () => {
    const w = leaf(1, 2);
    w.mul(3).sum().backward();
    w.mul(4).sum().backward();
    expect(values(w.grad)).toEqual([7, 7]);
    w.grad = null;
    w.sum().backward();
    expect(values(w.grad)).toEqual([1, 1]);
  });

  it('adds up the paths of a diamond, each node running once', () => {
    const w = leaf(3);
    let runs = 0;
    const top = negativeThatTells(w, () => runs++);
    const left = top.mul(2);
    const right = top.mul(top);
    left.add(right).add(left).sum().backward();
    // y = -w, result 4 y + y^2, derivative -(4 + 2 y).
    expect(values(w.grad)).toEqual([2]);
    expect(runs).toBe(1);
  });

  it('takes the gradient of a result with several elements', () => {
    const w = leaf(1, 2, 3);
    w.square().backward({ gradient: tensor([1, 0, 2]) });
    expect(values(w.grad)).toEqual([2, 0, 12]);
    expect(codeOf(() => leaf(1, 2).mul(2).backward())).toBe('NOT_A_SCALAR');
    expect(
      codeOf(() =>
        leaf(1, 2)
          .mul(2)
          .backward({ gradient: ones([3]) }),
      ),
    ).toBe('GRADIENT_SHAPE');
  });

  it('of a leaf itself adds the seed', () => {
    const w = leaf(5);
    w.backward();
    w.backward();
    expect(values(w.grad)).toEqual([2]);
  });

  it('gives nothing to tensors that require no gradient, nor to results', () => {
    const [w, x] = [leaf(1, 2), tensor([3, 4])];
    const product = w.mul(x);
    product.sum().backward();
    expect([x.grad, product.grad]).toEqual([null, null]);
    expect(values(w.grad)).toEqual([3, 4]);
    expect(codeOf(() => x.sum().backward())).toBe('NO_GRADIENT');
  });

  it('does not compute gradients that nobody needs', () => {
    const [w, x] = [leaf(2), tensor([3])];
    let needed: boolean[] = [];
    applyOwn(kernelCall('binary', { function: 'multiply' }), [w, x], ({ needs }, [g]) => {
      needed = [needs(0), needs(1)];
      return [g, null];
    }).backward();
    expect(needed).toEqual([true, false]);
  });

  it('leaves no history in gradients', () => {
    const w = leaf(2);
    w.square().sum().backward();
    expect(w.grad?.requiresGrad).toBe(false);
  });

  it('of a loss with an unused part does not touch that part', () => {
    const [a, b] = [leaf(1), leaf(2)];
    a.mul(b).sum();
    a.mul(3).sum().backward();
    expect([values(a.grad), b.grad]).toEqual([[3], null]);
  });

  it('runs through a deep graph without recursion', () => {
    const w = leaf(1);
    let x: Tensor = w;
    for (let depth = 0; depth < 5000; depth++) x = x.add(1);
    x.backward();
    expect(values(w.grad)).toEqual([1]);
  });
});

describe('what the tape saves', () => {
  it('is freed by backward', () => {
    const w = leaf(1, 2);
    const loss = w.square().sum();
    loss.backward();
    expect(codeOf(() => loss.backward())).toBe('TAPE_FREED');
    expect(() => loss.backward()).toThrow(/retainGraph: true/);
    expect(values(w.grad)).toEqual([2, 4]);
  });

  it('is kept by retainGraph', () => {
    const w = leaf(1, 2);
    const loss = w.square().sum();
    loss.backward({ retainGraph: true });
    loss.backward();
    expect(values(w.grad)).toEqual([4, 8]);
    expect(codeOf(() => loss.backward())).toBe('TAPE_FREED');
  });

  it('must not have changed', () => {
    const w = leaf(1, 2);
    const loss = w.square().sum();
    noGrad(() => w.add_(1));
    expect(codeOf(() => loss.backward())).toBe('SAVED_TENSOR_CHANGED');
    expect(() => loss.backward()).toThrow(AutogradError);
  });

  it('is only what the rule reads', () => {
    const [w, x] = [leaf(1, 2), tensor([3, 4])];
    const loss = w.add(x).sum();
    noGrad(() => x.zero_());
    noGrad(() => w.zero_());
    loss.backward();
    expect(values(w.grad)).toEqual([1, 1]);
    const careless = applyOwn(kernelCall('unary', { function: 'exp' }), [leaf(1)], (context, [g]) => [
      g?.mul(context.output(0)) ?? null,
    ]);
    expect(codeOf(() => careless.backward())).toBe('NOT_SAVED');
  });

  it('a rule that gives a gradient of the wrong shape is found', () => {
    const wrong = applyOwn(kernelCall('unary', { function: 'exp' }), [leaf(1)], () => [zeros([7])]);
    expect(() => wrong.backward()).toThrow(ShapeError);
  });

  it('an operation is never applied without its rule where a gradient is needed', () => {
    expect(codeOf(() => apply(EXP, [leaf(1)], {}))).toBe('NO_GRADIENT_RULE');
    expect(values(noGrad(() => apply(EXP, [leaf(0)], {}))[0])).toEqual([1]);
  });

  it('does not keep inputs alive that it did not save', async () => {
    const w = leaf(1, 2);
    const result = ((): { loss: Tensor; input: WeakRef<Tensor> } => {
      const x = tensor([3, 4]);
      return { loss: w.add(x).sum(), input: new WeakRef(x) };
    })();
    for (let round = 0; round < 10 && result.input.deref(); round++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      collectGarbage();
    }
    expect(result.input.deref()).toBeUndefined();
    result.loss.backward();
    expect(values(w.grad)).toEqual([1, 1]);
  });
});

describe('modes', () => {
  it('noGrad records nothing, and ends with the body', () => {
    const w = leaf(1);
    const result = noGrad(() => w.mul(2));
    expect([result.requiresGrad, result.isLeaf, isGradEnabled()]).toEqual([false, true, true]);
    expect(() =>
      noGrad(() => {
        throw new RangeError('inside');
      }),
    ).toThrow(RangeError);
    expect(isGradEnabled()).toBe(true);
  });

  it('noGrad lasts until an asynchronous body settles', async () => {
    const w = leaf(1);
    const promise = noGrad(async () => {
      await Promise.resolve();
      return w.mul(2).requiresGrad;
    });
    expect(isGradEnabled()).toBe(false);
    expect(await promise).toBe(false);
    expect(isGradEnabled()).toBe(true);
    await expect(
      noGrad(async () => {
        await Promise.resolve();
        throw new RangeError('inside');
      }),
    ).rejects.toThrow(RangeError);
    expect(isGradEnabled()).toBe(true);
  });

  it('enableGrad records inside noGrad', () => {
    const w = leaf(1);
    noGrad(() => {
      expect(enableGrad(() => w.mul(2).requiresGrad)).toBe(true);
      expect(isGradEnabled()).toBe(false);
    });
  });

  it('detach cuts the history and shares the values', () => {
    const w = leaf(2);
    const cut = w.mul(3).detach();
    expect([cut.requiresGrad, values(cut)]).toEqual([false, [6]]);
    w.mul(cut).sum().backward();
    expect(values(w.grad)).toEqual([6]);
  });

  it('requiresGrad is for floating-point leaves', () => {
    const whole = tensor([1], { dtype: 'int32' });
    expect(() => {
      whole.requiresGrad = true;
    }).toThrow(DTypeError);
    const result = leaf(1).mul(2);
    expect(() => {
      result.requiresGrad = false;
    }).toThrow(AutogradError);
    const w = leaf(1);
    w.requiresGrad = false;
    expect(w.mul(2).requiresGrad).toBe(false);
  });

  it('results that have no derivative require no gradient', () => {
    const w = leaf(1, -1);
    expect([w.gt(0), w.argMax(), w.cast('int32')].map(({ requiresGrad }) => requiresGrad)).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('properties', () => {
  /** Two shapes that broadcast, made from one by turning extents into ones and dropping leading axes. */
  const shapes = fc
    .tuple(
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      fc.nat(4),
      fc.boolean(),
    )
    .map(([full, flags, drop, swap]): [Shape, Shape] => {
      const small = full.map((extent, axis) => (flags[axis] ? 1 : extent)).slice(Math.min(drop, full.length));
      return swap ? [small, full] : [full, small];
    });

  it('the gradient of a broadcast operand counts how often each element is used', () => {
    fc.assert(
      fc.property(shapes, ([left, right]) => {
        const [a, b] = [ones(left, { requiresGrad: true }), ones(right, { requiresGrad: true })];
        const total = a.add(b);
        total.sum().backward();
        expect(a.grad?.shape).toEqual(left);
        expect(b.grad?.shape).toEqual(right);
        for (const each of [a, b]) {
          expect(new Set(values(each.grad))).toEqual(new Set([total.size / each.size]));
        }
      }),
    );
  });

  it('the gradient of a product is the other factor, summed', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 81, maxLength: 81 }),
        ([left, right], pool) => {
          const make = (shape: Shape, from: number): Tensor => {
            const size = shape.reduce((product, extent) => product * extent, 1);
            const list = Array.from({ length: size }, (_, index) => pool[(index + from) % pool.length]);
            return tensor(Float32Array.from(list), { shape, requiresGrad: true });
          };
          const [a, b] = [make(left, 0), make(right, 7)];
          a.mul(b).sum().backward();
          // sum(a b) is linear in a: its derivative along a itself is its value.
          const value = a.mul(b).sum().itemSync();
          expect(a.grad?.mul(a).sum().itemSync()).toBeCloseTo(value, 3);
          expect(b.grad?.mul(b).sum().itemSync()).toBeCloseTo(value, 3);
        },
      ),
    );
  });

  it('backward is linear in the gradient of the result', () => {
    fc.assert(
      fc.property(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }), (first, second) => {
        const w = leaf(0.5, -1);
        const result = w.tanh();
        result.backward({ gradient: tensor([first, second]) });
        const derivative = [0.5, -1].map((x) => 1 - Math.tanh(x) ** 2);
        expect(values(w.grad)[0]).toBeCloseTo(first * derivative[0], 5);
        expect(values(w.grad)[1]).toBeCloseTo(second * derivative[1], 5);
      }),
    );
  });

  it('from several results is one walk, as from their sum', () => {
    const w = leaf(1, 2);
    let runs = 0;
    const trunk = negativeThatTells(w, () => runs++);
    const [left, right] = [trunk.mul(3), trunk.square()];
    backwardFrom([
      { root: left, gradient: ones([2]) },
      { root: right, gradient: tensor([1, 10]) },
      { root: w, gradient: tensor([100, 100]) },
      { root: tensor([5]), gradient: ones([1]) },
    ]);
    expect(values(w.grad)).toEqual([100 - 3 + 2, 100 - 3 + 40]);
    expect(runs).toBe(1);
  });

  it('tells rules whether they may run again', () => {
    const seen: boolean[] = [];
    const w = leaf(2);
    const result = w.mul(1).detach();
    const node = new TapeNode('Probe', [w], 1, [], ([g], _saved, _needs, retain) => {
      seen.push(retain);
      return [g];
    });
    record(node, [result]);
    backward(result, { retainGraph: true });
    backward(result);
    expect(seen).toEqual([true, false]);
  });

  it('backward() is the same function as the method', () => {
    const w = leaf(3);
    backward(w.square());
    expect(values(w.grad)).toEqual([6]);
  });
});
