import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packState, unpackState } from '../../src/checkpoint/packing.js';
import { CheckpointError, ValidationError } from '../../src/errors.js';
import { tensor } from '../../src/tensor/create.js';
import { Tensor } from '../../src/tensor/tensor.js';

/** What a state may consist of. */
const states = fc.letrec<{ state: unknown }>((tie) => ({
  state: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.string(),
    fc.double(),
    fc.float().map((value) => tensor(value)),
    fc.array(tie('state'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('state'), { maxKeys: 4 }).map((object) => ({ ...object })),
    fc.array(fc.tuple(fc.string(), tie('state')), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
})).state;

/** The state with its tensors as values, which Vitest can compare. */
function plain(state: unknown): unknown {
  if (state instanceof Tensor) return { tensor: [...state.dataSync()] };
  if (Array.isArray(state)) return state.map(plain);
  if (state instanceof Map) return new Map([...state].map(([key, item]) => [key, plain(item)]));
  if (typeof state === 'object' && state !== null) {
    return Object.fromEntries(Object.entries(state).map(([key, item]) => [key, plain(item)]));
  }
  return state;
}

describe('packState and unpackState', () => {
  it('give back every state through JSON', () => {
    fc.assert(
      fc.property(states, (state) => {
        const tensors = new Map<string, Tensor>();
        const packed = JSON.parse(JSON.stringify(packState('part', state, tensors)));
        expect(plain(unpackState(packed, tensors))).toEqual(plain(state));
      }),
    );
  });

  it('keep NaN, infinities and the sign of zero', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0];
    const packed = JSON.parse(JSON.stringify(packState('part', values, new Map())));
    (unpackState(packed, new Map()) as number[]).forEach((value, index) => {
      expect(Object.is(value, values[index])).toBe(true);
    });
  });

  it('name tensors by their place', () => {
    const tensors = new Map<string, Tensor>();
    packState('optimizer', { state: new Map([['0.expAvg', tensor([1])]]), rows: [tensor(2)] }, tensors);
    expect([...tensors.keys()]).toEqual(['optimizer.state.0.expAvg', 'optimizer.rows.0']);
  });

  it('keep tensors apart whose places have the same dotted name', () => {
    const tensors = new Map<string, Tensor>();
    const state = { 'a.b': tensor(1), a: { b: tensor(2) } };
    const packed = packState('part', state, tensors);
    expect(plain(unpackState(packed, tensors))).toEqual(plain(state));
  });

  it.each([
    ['a function', () => 1, /'part\.field'.*function/],
    ['an object of a class', new Date(0), /Date/],
    ['a typed array', new Float32Array(1), /Float32Array/],
    ['a big integer', 1n, /bigint/],
    ['nothing inside an array', [undefined], /'part\.field\.0'.*undefined/],
    ['a key of the format', { $map: 1 }, /\$map/],
    ['a Map with numbers as keys', new Map([[1, 2]]), /key 1/],
  ])('refuse %s, saying where it is', (_, value, message) => {
    const pack = () => packState('part', { field: value }, new Map());
    expect(pack).toThrow(ValidationError);
    expect(pack).toThrow(message);
  });

  it('notice a tensor that is not there', () => {
    expect(() => unpackState({ $tensor: 'part.x' }, new Map())).toThrow(CheckpointError);
  });
});
