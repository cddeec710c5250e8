import { describe, expect, it } from 'vitest';
import { ValidationError } from '../src/errors.js';
import { checkOptions, nearestName } from '../src/options.js';

describe('checkOptions', () => {
  const known = ['stride', 'padding', 'dilation', 'groups', 'bias'];

  it('accepts known names, none, and no options at all', () => {
    expect(() => checkOptions('Conv2d', { stride: 1, bias: false }, known)).not.toThrow();
    expect(() => checkOptions('Conv2d', {}, known)).not.toThrow();
    expect(() => checkOptions('Conv2d', undefined, known)).not.toThrow();
  });

  it.each([
    ['strides', 'stride'],
    ['pading', 'padding'],
    ['Padding', 'padding'],
    ['dilations', 'dilation'],
    ['group', 'groups'],
    ['useBias', 'bias'],
    ['pad', 'padding'],
    ['groupsCount', 'groups'],
  ])('suggests the nearest known name for %s', (given, nearest) => {
    const error = (() => {
      try {
        checkOptions('Conv2d', { [given]: 1 }, known);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(ValidationError);
    expect((error as ValidationError).code).toBe('UNKNOWN_OPTION');
    expect((error as ValidationError).message).toContain(`Conv2d has no option '${given}'`);
    expect((error as ValidationError).message).toContain(`Did you mean '${nearest}'?`);
  });

  it('suggests nothing where nothing is near, but lists what there is', () => {
    expect(() => checkOptions('Conv2d', { zzzzzz: 1 }, known)).toThrow(/no option 'zzzzzz'\. Its options are stride,/);
  });

  it.each([1, 'same', null, [1, 2], true])('rejects %j in place of an options object', (options) => {
    expect(() => checkOptions('Conv2d', options, known)).toThrow(/options are given as an object/);
  });
});

describe('nearestName', () => {
  it('takes snake case for camel case', () => {
    expect(nearestName('ceil_mode', ['ceilMode', 'countIncludePad'])).toBe('ceilMode');
  });

  it('finds nothing among no names', () => {
    expect(nearestName('x', [])).toBeUndefined();
  });
});
