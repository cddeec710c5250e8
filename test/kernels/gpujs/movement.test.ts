/** Movement, reductions and gathering on GPU.js, over shapes and attributes drawn at random. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { createRandom, integers, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './against.js';

const RUNS = { numRuns: 15 };
const seed = fc.integer({ min: 0, max: 2 ** 31 });
const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

describe.each(['cpu', 'webasm'] as const)('movement on GPU.js in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  it('slices with any step, and back', () => {
    fc.assert(
      fc.property(shapes, seed, (shape, start) => {
        const random = createRandom(start);
        const draw = (most: number): number => Math.floor(random() * (most + 1));
        const axes = shape.map((extent) => {
          const size = 1 + draw(extent - 1);
          const step = size === 1 ? 1 : 1 + draw(Math.floor((extent - 1) / (size - 1)) - 1);
          const span = (size - 1) * step;
          const begin = draw(extent - 1 - span);
          return random() < 0.5 ? { size, begin, step } : { size, begin: begin + span, step: -step };
        });
        const result = axes.map(({ size }) => size);
        const attributes = { begin: axes.map(({ begin }) => begin), steps: axes.map(({ step }) => step) };
        const [x, g] = [uniform(random, shape), uniform(random, result)];
        expectAsReference(backend, { kernel: 'slice', inputs: [x], attributes, outputs: [type(result)] }, 0);
        expectAsReference(backend, { kernel: 'sliceGradient', inputs: [g], attributes, outputs: [type(shape)] }, 0);
      }),
      RUNS,
    );
  });

  it('pads and crops in every mode, and back', () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom('constant', 'edge', 'reflect' as const), seed, (shape, padMode, start) => {
        const random = createRandom(start);
        const pads = shape.map((extent) => {
          const begin = Math.floor(random() * 6) - 1;
          const end = Math.floor(random() * 5) - (extent + begin > 1 ? 1 : 0);
          return extent + begin + end > 0 ? [begin, end] : [0, 0];
        });
        const [padsBegin, padsEnd] = [0, 1].map((side) => pads.map((pad) => pad[side]));
        const result = shape.map((extent, axis) => extent + padsBegin[axis] + padsEnd[axis]);
        const attributes = { padsBegin, padsEnd, mode: padMode };
        const padded = { ...attributes, value: -1.5 };
        const [x, g] = [uniform(random, shape), uniform(random, result)];
        expectAsReference(backend, { kernel: 'pad', inputs: [x], attributes: padded, outputs: [type(result)] }, 0);
        expectAsReference(backend, { kernel: 'padGradient', inputs: [g], attributes, outputs: [type(shape)] }, 1e-5);
      }),
      RUNS,
    );
  });

  it('transposes, and reduces over any axes', () => {
    const names = fc.constantFrom('sum', 'mean', 'max', 'min', 'prod' as const);
    fc.assert(
      fc.property(shapes, names, seed, (shape, name, start) => {
        const random = createRandom(start);
        const x = uniform(random, shape);
        const order = shape
          .map((_, axis) => ({ axis, key: random() }))
          .sort((a, b) => a.key - b.key)
          .map(({ axis }) => axis);
        const moved = [type(order.map((axis) => shape[axis]))];
        expectAsReference(backend, { kernel: 'transpose', inputs: [x], attributes: { order }, outputs: moved }, 0);
        const axes = shape.map((_, axis) => axis).filter(() => random() < 0.6);
        const kept = [type(shape.filter((_, axis) => !axes.includes(axis)))];
        const attributes = { function: name, axes };
        expectAsReference(backend, { kernel: 'reduce', inputs: [x], attributes, outputs: kept }, 1e-5);
      }),
      RUNS,
    );
  });

  it('gathers with indices in and out of the axis, and back', () => {
    fc.assert(
      fc.property(shapes, shapes, seed, (shape, drawn, start) => {
        const random = createRandom(start);
        const axis = Math.floor(random() * shape.length);
        const indices = integers(random, drawn.slice(0, 2), -shape[axis] - 1, shape[axis]);
        const gathered = [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)];
        const [x, g] = [uniform(random, shape), uniform(random, gathered)];
        const one = { attributes: { axis } };
        expectAsReference(backend, { ...one, kernel: 'gather', inputs: [x, indices], outputs: [type(gathered)] }, 0);
        const back = { ...one, kernel: 'gatherGradient', inputs: [g, indices], outputs: [type(shape)] } as const;
        expectAsReference(backend, back, 1e-5);

        const fewer = shape.map((extent, each) => (each === axis ? 3 : 1 + Math.floor(random() * extent)));
        const each = integers(random, fewer, -shape[axis] - 1, shape[axis]);
        const elements = { ...one, kernel: 'gatherElements', inputs: [x, each], outputs: [type(fewer)] } as const;
        expectAsReference(backend, elements, 0);
        const inputs = [uniform(random, fewer), each];
        const elementsBack = { ...one, kernel: 'gatherElementsGradient', inputs, outputs: [type(shape)] } as const;
        expectAsReference(backend, elementsBack, 1e-5);
      }),
      RUNS,
    );
  });

  it('joins any number of inputs, and finds the largest of every line', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 16 }), seed, (shape, count, start) => {
        const random = createRandom(start);
        const axis = Math.floor(random() * shape.length);
        const inputs = Array.from({ length: count }, () => {
          const extent = 1 + Math.floor(random() * 3);
          return uniform(
            random,
            shape.map((each, index) => (index === axis ? extent : each)),
          );
        });
        const joined = shape.map((each, index) =>
          index === axis ? inputs.reduce((sum, input) => sum + input.shape[axis], 0) : each,
        );
        expectAsReference(backend, { kernel: 'concat', inputs, attributes: { axis }, outputs: [type(joined)] }, 0);
        const x = integers(random, joined, 0, 3, 'float32');
        const k = 1 + Math.floor(random() * Math.min(4, joined[axis]));
        const best = joined.map((each, index) => (index === axis ? k : each));
        const attributes = { axis, k, mode: random() < 0.5 ? 'max' : 'min' } as const;
        const outputs = [type(best), type(best, 'int32')];
        expectAsReference(backend, { kernel: 'topK', inputs: [x], attributes, outputs }, 0);
      }),
      RUNS,
    );
  });

  it('gives softmax along any axis', () => {
    fc.assert(
      fc.property(shapes, seed, (shape, start) => {
        const random = createRandom(start);
        const axis = Math.floor(random() * shape.length);
        const x = uniform(random, shape, -30, 30);
        const one = { inputs: [x], attributes: { axis }, outputs: [type(shape)] };
        expectAsReference(backend, { ...one, kernel: 'softmax' }, 1e-6);
        expectAsReference(backend, { ...one, kernel: 'logSoftmax' }, 1e-6);
      }),
      RUNS,
    );
  });
});
