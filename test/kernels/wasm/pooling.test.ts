import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { createRandom, distinct, operand, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './guarded.js';

interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly padBegin: number;
  readonly padEnd: number;
  readonly dilation: number;
  readonly extent: number;
}

const axis: fc.Arbitrary<Axis> = fc.record({
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }),
  padBegin: fc.integer({ min: 0, max: 2 }),
  padEnd: fc.integer({ min: 0, max: 2 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  extent: fc.integer({ min: 1, max: 15 }),
});

const pools = fc.record({
  axes: fc.tuple(axis, axis),
  batch: fc.integer({ min: 0, max: 3 }),
  channels: fc.integer({ min: 1, max: 7 }),
  ceiling: fc.boolean(),
  excludePad: fc.boolean(),
  seed: fc.nat(),
});

/** Extents of input and output; a window fits at least once. With `ceiling` the last one may stick out. */
function extents({ kernel, stride, padBegin, padEnd, dilation, extent }: Axis, ceiling: boolean): [number, number] {
  const window = (kernel - 1) * dilation + 1;
  const input = Math.max(extent, window - padBegin - padEnd);
  const rest = input + padBegin + padEnd - window;
  return [input, (ceiling ? Math.ceil(rest / stride) : Math.floor(rest / stride)) + 1];
}

const attributesOf = (axes: readonly Axis[]) => ({
  kernel: axes.map(({ kernel }) => kernel),
  strides: axes.map(({ stride }) => stride),
  padsBegin: axes.map(({ padBegin }) => padBegin),
  padsEnd: axes.map(({ padEnd }) => padEnd),
});

describe('maxPool2d and its gradient', () => {
  it('agree with the reference for any shape', () => {
    const property = fc.property(pools, ({ axes, batch, channels, ceiling, seed }) => {
      const spatial = axes.map((one) => extents(one, ceiling));
      const x = [batch, channels, ...spatial.map(([input]) => input)];
      const y = [batch, channels, ...spatial.map(([, output]) => output)];
      const attributes = { ...attributesOf(axes), dilations: axes.map(({ dilation }) => dilation) };
      const random = createRandom(seed);
      const input = distinct(random, x);
      const outputs = [type(y), type(y, 'int32')];
      expectAsReference({ kernel: 'maxPool2d', inputs: [input], attributes, outputs });
      const [, indices] = runReferenceKernel('maxPool2d', [input], attributes, outputs);
      const inputs = [uniform(random, y), operand(y, indices, 'int32')];
      expectAsReference({ kernel: 'maxPool2dGradient', inputs, attributes: {}, outputs: [type(x)] });
    });
    fc.assert(property, { numRuns: 80 });
  });

  it('takes minus infinity for a pixel and the first NaN for a maximum', () => {
    const infinite = Number.NEGATIVE_INFINITY;
    const x = operand(
      [1, 1, 2, 10],
      [
        ...[infinite, infinite, 1, Number.NaN, infinite, 2, 3, 3, Number.NaN, Number.NaN],
        ...[infinite, infinite, Number.NaN, 5, 4, infinite, 3, 3, 1, Number.NaN],
      ],
    );
    const attributes = { kernel: [2, 2], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
    const outputs = [type([1, 1, 2, 6]), type([1, 1, 2, 6], 'int32')];
    const [values, indices] = runReferenceKernel('maxPool2d', [x], attributes, outputs);
    const backend = WasmBackend.create();
    const storage = backend.upload(x.values.slice(), 'float32');
    const results = backend.run('maxPool2d', [{ ...x, storage }], attributes, outputs);
    expect([...backend.readSync(results[0])]).toEqual([...values]);
    expect([...backend.readSync(results[1])]).toEqual([...indices]);
    expect(backend.info().launches.get('maxPool2d')).toBe(1);
  });
});

describe('average pooling and its gradients', () => {
  it('agree with the reference for any shape', () => {
    const property = fc.property(pools, ({ axes, batch, channels, ceiling, excludePad, seed }) => {
      const plain = axes.map((one) => ({ ...one, dilation: 1 }));
      const spatial = plain.map((one) => extents(one, ceiling));
      const x = [batch, channels, ...spatial.map(([input]) => input)];
      const y = [batch, channels, ...spatial.map(([, output]) => output)];
      const attributes = { ...attributesOf(plain), excludePad };
      const random = createRandom(seed);
      expectAsReference({ kernel: 'avgPool2d', inputs: [uniform(random, x)], attributes, outputs: [type(y)] });
      expectAsReference({ kernel: 'avgPool2dGradient', inputs: [uniform(random, y)], attributes, outputs: [type(x)] });
    });
    fc.assert(property, { numRuns: 80 });
  });

  it('agree with the reference for any adaptive shape', () => {
    const extent = fc.integer({ min: 1, max: 12 });
    const shapes = fc.tuple(fc.integer({ min: 0, max: 20 }), extent, extent, extent, extent, fc.nat());
    const property = fc.property(shapes, ([channels, height, width, outputHeight, outputWidth, seed]) => {
      const [x, y] = [
        [2, channels, height, width],
        [2, channels, outputHeight, outputWidth],
      ];
      const random = createRandom(seed);
      const shared = { attributes: {} };
      expectAsReference({ kernel: 'adaptiveAvgPool2d', ...shared, inputs: [uniform(random, x)], outputs: [type(y)] });
      const inputs = [uniform(random, y)];
      expectAsReference({ kernel: 'adaptiveAvgPool2dGradient', ...shared, inputs, outputs: [type(x)] });
    });
    fc.assert(property, { numRuns: 80 });
  });
});

describe('pooling', () => {
  it('runs as WebAssembly', () => {
    const backend = WasmBackend.create();
    const upload = (shape: readonly number[]) => {
      const { values } = uniform(createRandom(1), shape);
      return { shape, dtype: 'float32' as const, storage: backend.upload(values, 'float32') };
    };
    const [x, y] = [
      [2, 3, 8, 8],
      [2, 3, 4, 4],
    ];
    const shared = { kernel: [2, 2], strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0] };
    const outputs = [type(y), type(y, 'int32')];
    const [, indices] = backend.run('maxPool2d', [upload(x)], { ...shared, dilations: [1, 1] }, outputs);
    backend.run('maxPool2dGradient', [upload(y), { ...outputs[1], storage: indices }], {}, [type(x)]);
    backend.run('avgPool2d', [upload(x)], { ...shared, excludePad: true }, [type(y)]);
    backend.run('avgPool2dGradient', [upload(y)], { ...shared, excludePad: true }, [type(x)]);
    backend.run('adaptiveAvgPool2d', [upload(x)], {}, [type(y)]);
    backend.run('adaptiveAvgPool2dGradient', [upload(y)], {}, [type(x)]);
    const { launches, fallbacks } = backend.info();
    expect(launches.size).toBe(6);
    expect(fallbacks.size).toBe(0);
  });
});
