/**
 * Shapes that no tile divides, down to one pixel and no image at all: plans compute the bits of call-by-call execution, and
 * both agree with the reference. Every buffer is guarded.
 */
import { describe, expect, it } from 'vitest';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import * as nn from '../../src/nn/index.js';
import '../../src/ops/methods.js';
import { randn } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import type { PlanCase } from './planCases.js';
import { expectClose, moduleOf, observe, on, outputsOf, reference } from './planTools.js';

const backend = WasmBackend.create({ threads: 1, guard: true });

/** 3x3, strides larger than the kernel, a pool that skips pixels, depthwise, 1x1: with odd numbers of channels. */
const network = (channels: number, width = 7): nn.Module =>
  new nn.Sequential(
    new nn.Conv2d(channels, width, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(width),
    new nn.ReLU(),
    new nn.Conv2d(width, width, 2, { stride: 3, padding: 1 }),
    new nn.ReLU6(),
    new nn.MaxPool2d(1, { stride: 2 }),
    new nn.Conv2d(width, width, 3, { padding: 1, groups: width, bias: false }),
    new nn.BatchNorm2d(width),
    new nn.ReLU6(),
    new nn.Conv2d(width, 5, 1),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(5, 3),
  );

const caseOf = (shape: readonly number[], evaluation = false, width = 7): PlanCase => ({
  build: () => network(shape[1], width),
  inputs: () => [randn(shape)],
  loss: ([output]: Tensor[]) => output.square().sum(),
  evaluation,
  inputGradients: true,
});

const SHAPES: readonly (readonly number[])[] = [
  [1, 1, 13, 1],
  [1, 3, 1, 17],
  [3, 1, 7, 5],
  [1, 3, 19, 23],
  [5, 3, 2, 2],
  [2, 1, 33, 31],
];

describe('plans for odd shapes', () => {
  for (const shape of SHAPES) {
    for (const kind of ['float', 'quantized'] as const) {
      it(`[${shape}], ${kind}`, async () => {
        const each = caseOf(shape);
        const planned = await observe(each, kind, { backend, planned: true });
        expect(planned).toEqual(await observe(each, kind, { backend, planned: false }));
        if (kind === 'float') expectClose(planned, await observe(each, kind, reference), 2e-4);
      });
    }
  }

  it.each(['float', 'quantized'] as const)('large enough for kernels of several blocks: %s', async (kind) => {
    for (const [shape, evaluation] of [
      [[3, 3, 61, 67], false],
      [[2, 17, 66, 63], true],
    ] as const) {
      const each = caseOf(shape, evaluation, 21);
      const planned = await observe(each, kind, { backend, planned: true });
      expect(planned).toEqual(await observe(each, kind, { backend, planned: false }));
    }
  });

  it.each(['float', 'quantized'] as const)('one pixel, in evaluation mode: %s', async (kind) => {
    for (const batch of [1, 2]) {
      const each = caseOf([batch, 3, 1, 1], true);
      const planned = await observe(each, kind, { backend, planned: true });
      expect(planned).toEqual(await observe(each, kind, { backend, planned: false }));
      if (kind === 'float') expectClose(planned, await observe(each, kind, reference), 1e-4);
    }
  });

  it.each(['float', 'quantized'] as const)('no image: nothing comes out, and gradients are zero: %s', (kind) =>
    on(backend, async () => {
      for (const planned of [true, false]) {
        const module = await moduleOf(caseOf([2, 3, 9, 11], true), kind, { backend, planned });
        for (let step = 0; step < 2; step++) {
          const [output] = outputsOf(module, [randn([0, 3, 9, 11])]);
          expect(output.shape).toEqual([0, 3]);
          output.sum().backward();
          const gradients = [...module.parameters()].flatMap(({ grad }) => (grad ? [...grad.dataSync()] : []));
          expect(gradients.length).toBeGreaterThan(100);
          expect(gradients.every((value) => value === 0)).toBe(true);
        }
        // Images afterwards are computed as ever.
        const [output] = outputsOf(module, [randn([2, 3, 9, 11])]);
        expect(output.dataSync().every(Number.isFinite)).toBe(true);
      }
    }),
  );
});
