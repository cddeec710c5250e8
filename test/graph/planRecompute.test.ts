/** Plans whose activations are so large that the backward part makes them again instead of keeping them. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { isKernelStep } from '../../src/kernels/program.js';
import type { WasmProgram } from '../../src/kernels/wasm/program/compiledProgram.js';
import { randn } from '../../src/tensor/create.js';
import { PLAN_CASES, type PlanCase } from './planCases.js';
import { codeOf, expectSame, gradients, lossOf, parameterOf, residual, zeroGrad } from './planSteps.js';
import { moduleOf, on, planned, wasm } from './planTools.js';

const large: PlanCase = { ...residual, inputs: (batch) => [randn([batch, 3, 48, 48])] };

describe('a plan with large activations', () => {
  for (const kind of ['float', 'quantized'] as const) {
    it(`${kind}: makes them again in the backward part`, async () => {
      const repeated = new Set<string>();
      const { compile } = wasm;
      wasm.compile = (program) => {
        for (const step of program.backward.steps) if (isKernelStep(step)) repeated.add(step.kernel);
        return compile.call(wasm, program);
      };
      try {
        await expectSame(
          large,
          (module, inputs) =>
            [1, 2].map(() => {
              const loss = lossOf(large, module, inputs(2));
              loss.backward();
              const found = [loss.itemSync(), gradients(module)];
              zeroGrad(module);
              return found;
            }),
          kind,
        );
      } finally {
        wasm.compile = compile;
      }
      expect(repeated).toContain('batchNormInference');
      expect(repeated.has('fakeQuantize')).toBe(kind === 'quantized');
    });

    it(`${kind}: what no gradient rule reads may change before the backward pass`, () =>
      expectSame(
        large,
        (module, inputs) => {
          const loss = lossOf(large, module, inputs(2));
          for (const name of ['bn1.bias', 'bn2.bias', 'head.fc.bias']) {
            const parameter = parameterOf(module, name);
            noGrad(() => parameter.fill_(3));
          }
          loss.backward();
          return gradients(module);
        },
        kind,
      ));
  }

  it('needs hardly more memory when it is quantized', async () => {
    const chain: PlanCase = { ...PLAN_CASES.depthwise, inputs: (batch) => [randn([batch, 3, 64, 64])] };
    const bytes: number[] = [];
    const { compile } = wasm;
    for (const kind of ['float', 'quantized'] as const) {
      await on(wasm, async () => {
        const module = await moduleOf(chain, kind, planned);
        wasm.compile = (program) => {
          const compiled = compile.call(wasm, program);
          bytes.push((compiled as WasmProgram).arenaBytes);
          return compiled;
        };
        try {
          lossOf(chain, module, chain.inputs(4)).backward();
        } finally {
          wasm.compile = compile;
        }
      });
    }
    const [float, quantized] = bytes;
    expect(bytes.length).toBe(2);
    // Quantized values take the place of the activations that the float model's convolutions read again.
    expect(quantized).toBeLessThan(1.2 * float);
    // The outputs of the convolutions, which batch normalisation reads, and what a step works on.
    const convolved = 4 * 4 * (8 * 64 * 64 + 8 * 32 * 32);
    expect(quantized).toBeLessThan(3.5 * convolved);
  });

  it('what the rules read must not', () =>
    on(wasm, async () => {
      const module = await moduleOf(large, 'quantized', planned);
      const loss = lossOf(large, module, large.inputs(2));
      const weight = parameterOf(module, 'bn1.weight');
      noGrad(() => weight.fill_(3));
      expect(codeOf(() => loss.backward())).toBe('SAVED_TENSOR_CHANGED');
    }));
});
