import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import * as nn from '../../src/nn/index.js';
import { data, errorOf, expectSame } from './models.js';

describe('Sequential', () => {
  it('gives the result of each module to the next', () => {
    const [first, second] = [new nn.Linear(3, 4), new nn.Linear(4, 2)];
    const x = data([5, 3]);
    expectSame(new nn.Sequential(first, new nn.ReLU(), second).forward(x), second.forward(first.forward(x).relu()));
  });

  it('names its modules by position', () => {
    const model = new nn.Sequential(new nn.Linear(1, 1), new nn.Sequential(new nn.ReLU(), new nn.Linear(1, 1)));
    expect([...model.stateDict().keys()]).toEqual(['0.weight', '0.bias', '1.1.weight', '1.1.bias']);
    expect([...model.namedModules()].map(([path]) => path)).toEqual(['', '0', '1', '1.0', '1.1']);
  });

  it('is the identity without modules', () => {
    const x = data([2]);
    expect(new nn.Sequential().forward(x)).toBe(x);
  });

  it('can be extended, indexed and iterated', () => {
    const [a, b] = [new nn.ReLU(), new nn.Tanh()];
    const model = new nn.Sequential(a).append(b);
    expect(model.length).toBe(2);
    expect(model.at(-1)).toBe(b);
    expect(model.at(2)).toBeUndefined();
    expect([...model]).toEqual([a, b]);
  });

  it('rejects what is not a module', () => {
    expect(() => new nn.Sequential([new nn.ReLU()] as unknown as nn.Module)).toThrow(/module 0 is not a module/);
  });

  it('names a module that does not return one tensor', () => {
    class Two extends nn.Module {
      override forward(x: unknown): unknown {
        return [x, x];
      }
    }
    const error = errorOf(() => new nn.Sequential(new nn.ReLU(), new Two(), new nn.ReLU()).forward(data([1])));
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain('module 1 (Two)');
  });
});
