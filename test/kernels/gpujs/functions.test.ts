/**
 * Functions on GPU.js over their whole range, where they are approximated: relative errors, and what becomes of NaN,
 * infinities and the sign of zero.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BinaryFunction, UnaryFunction } from '../../../src/kernels/contract.js';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { createRandom, filled, operand, type, uniform } from '../conformance/kernelCase.js';

/** Where each function is neither constant nor beyond float32, and the largest relative error there. */
const ACCURACY: readonly (readonly [UnaryFunction, number, number, number])[] = [
  ['exp', -86, 88, 3e-7],
  ['sigmoid', -80, 20, 4e-7],
  ['tanh', -9, 9, 4e-7],
  ['erf', -4, 4, 4e-7],
  ['gelu', -10, 8, 1.5e-6],
  ['geluTanh', -3, 8, 1.5e-6],
  ['swish', -80, 20, 4e-7],
  ['softplus', -80, 40, 4e-7],
  ['mish', -40, 30, 5e-7],
];

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, -0.25, 0.5, -2.5] as const;
const UNARY: readonly UnaryFunction[] = [
  'relu',
  'abs',
  'negative',
  'sign',
  'floor',
  'ceiling',
  'round',
  'sqrt',
  'reciprocal',
  'exp',
  'log',
  'sigmoid',
  'tanh',
  'erf',
  'gelu',
  'geluTanh',
  'softplus',
  'mish',
  'swish',
  'hsigmoid',
  'hswish',
];
const BINARY: readonly BinaryFunction[] = ['add', 'multiply', 'divide', 'power', 'maximum', 'minimum'];

/** The two agree in kind: NaN, an infinity, a zero of the same sign, or close numbers. */
function expectAlike(got: number, want: number, what: string): void {
  const isKind = Number.isNaN(want) || !Number.isFinite(want) || want === 0;
  if (isKind) expect(got, what).toBe(want);
  else expect(Math.abs(got - want), what).toBeLessThan(2e-6 * Math.abs(want));
}

describe.each(['cpu', 'webasm'] as const)('functions on GPU.js in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  const upload = ({ shape, dtype, values }: ReturnType<typeof operand>) => ({
    shape,
    dtype,
    storage: backend.upload(values.slice(), dtype),
  });

  it.each(ACCURACY)('%s from %d to %d is within %d of its value', (name, low, high, most) => {
    const random = createRandom(7);
    // Every third value is close to zero.
    const x = filled([3000], () => {
      const value = low + (high - low) * random();
      return random() < 0.33 ? value * 10 ** (-6 * random()) : value;
    });
    const [want] = runReferenceKernel('unary', [x], { function: name }, [type([3000])]);
    const got = backend.readSync(backend.run('unary', [upload(x)], { function: name }, [type([3000])])[0]);
    const errors = Array.from(want, (value, index) => Math.abs(got[index] - value) / Math.abs(value || 1));
    expect(Math.max(...errors)).toBeLessThan(most);
  });

  it('log is within 3e-7 of its value, from the smallest normal number to the largest, and about one', () => {
    const random = createRandom(8);
    const x = filled([3000], () => (random() < 0.5 ? 10 ** (76 * random() - 37.9) : 1 + 0.01 * (random() - 0.5)));
    const [want] = runReferenceKernel('unary', [x], { function: 'log' }, [type([3000])]);
    const got = backend.readSync(backend.run('unary', [upload(x)], { function: 'log' }, [type([3000])])[0]);
    const errors = Array.from(want, (value, index) => Math.abs(got[index] - value) / Math.abs(value || 1));
    expect(Math.max(...errors)).toBeLessThan(3e-7);
  });

  it('powers lose no more than their logarithm tells', () => {
    const random = createRandom(9);
    const [a, b] = [uniform(random, [2000], 0.05, 5), uniform(random, [2000], -12, 12)];
    const [want] = runReferenceKernel('binary', [a, b], { function: 'power' }, [type([2000])]);
    const got = backend.readSync(
      backend.run('binary', [upload(a), upload(b)], { function: 'power' }, [type([2000])])[0],
    );
    want.forEach((value, index) => {
      const most = 4e-7 + 1.5e-7 * Math.abs(Math.log(value));
      expect(Math.abs(got[index] - value) / value).toBeLessThan(most);
    });
  });

  it('keeps NaN, infinities and the signs of zeros', () => {
    const x = operand([SPECIAL.length], SPECIAL);
    for (const name of UNARY) {
      const [want] = runReferenceKernel('unary', [x], { function: name }, [type(x.shape)]);
      const got = backend.readSync(backend.run('unary', [upload(x)], { function: name }, [type(x.shape)])[0]);
      want.forEach((value, index) => {
        expectAlike(got[index], value, `${name} of ${SPECIAL[index]}`);
      });
    }
    const column = { ...x, shape: [SPECIAL.length, 1] };
    const shape = [SPECIAL.length, SPECIAL.length];
    for (const name of BINARY) {
      const [want] = runReferenceKernel('binary', [column, x], { function: name }, [type(shape)]);
      const got = backend.readSync(
        backend.run('binary', [upload(column), upload(x)], { function: name }, [type(shape)])[0],
      );
      want.forEach((value, index) => {
        const [left, right] = [SPECIAL[Math.floor(index / SPECIAL.length)], SPECIAL[index % SPECIAL.length]];
        expectAlike(got[index], value, `${name} of ${left} and ${right}`);
      });
    }
  });

  it('orders NaN as the largest in topK', () => {
    const x = operand(
      [2, 5],
      [1, Number.NaN, 3, 2, Number.NaN, Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 1, 1],
    );
    for (const which of ['max', 'min'] as const) {
      const outputs = [type([2, 4]), type([2, 4], 'int32')];
      const want = runReferenceKernel('topK', [x], { axis: 1, k: 4, mode: which }, outputs);
      const got = backend.run('topK', [upload(x)], { axis: 1, k: 4, mode: which }, outputs);
      want.forEach((values, output) => {
        expect([...backend.readSync(got[output])]).toEqual([...values]);
      });
    }
  });
});
