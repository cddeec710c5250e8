/** Whole models and the memory of the backend: small heaps, many forward passes, models that are dropped. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import type { GraphModule } from '../../src/graph/graphModule.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import { SGD } from '../../src/optim/index.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { PLAN_CASES, type PlanCase } from './planCases.js';
import { expectClose, moduleOf, on, outputsOf, planned, reference, values, type Way } from './planTools.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function collect(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const MIB = 2 ** 20;
const each: PlanCase = PLAN_CASES.residual;

const train = (way: Way, batch: number): Promise<unknown> =>
  on(way.backend, async () => {
    const module = await moduleOf(each, 'float', way);
    manualSeed(5);
    const inputs = each.inputs(batch);
    const optimizer = new SGD(module.parameters(), { lr: 0.05 });
    return [1, 2, 3].map(() => {
      optimizer.zeroGrad();
      const loss = each.loss(outputsOf(module, inputs)) as Tensor;
      loss.backward();
      const gradients = [...module.parameters()].map(({ grad }) => values(grad));
      optimizer.step();
      return [loss.itemSync(), gradients];
    });
  });

describe('a heap that is too small for the plan', () => {
  it('runs the model call by call, with the same results', async () => {
    const backend = WasmBackend.create({ limit: 1.25 * MIB, threads: 1 });
    const found = await train({ backend, planned: true }, 96);
    expect(backend.info().fallbacks.size).toBeGreaterThan(3);
    expectClose(found, await train(reference, 96), 1e-3);
    // A batch that fits is planned again.
    await collect();
    const before = backend.info().fallbacks.get('conv2d');
    await train({ backend, planned: true }, 3);
    expect(backend.info().fallbacks.get('conv2d')).toBe(before);
  });
});

describe('forward passes without backward', () => {
  for (const yields of [true, false]) {
    it(`1000 of them keep the heap ${yields ? 'where it is' : 'nearly where it is, even in a loop that never yields'}`, () => {
      const backend = WasmBackend.create({ threads: 1 });
      return on(backend, async () => {
        const module = await moduleOf(each, 'float', planned);
        const inputs = each.inputs(8);
        for (let step = 0; step < 3; step++) outputsOf(module, inputs);
        const before = backend.info().heapUsed;
        for (let step = 0; step < 1000; step++) {
          outputsOf(module, inputs);
          if (yields) await new Promise((resolve) => setImmediate(resolve));
        }
        // Only results of 128 bytes are new.
        expect(backend.info().heapUsed - before).toBeLessThan(MIB);
      });
    });
  }
});

describe('a model that is dropped', () => {
  it('gives everything back, also in the middle of a step', () => {
    const backend = WasmBackend.create({ threads: 1 });
    return on(backend, async () => {
      const use = async (): Promise<void> => {
        const module = await moduleOf(each, 'quantized', planned);
        for (const batch of [4, 8, 12]) (each.loss(outputsOf(module, each.inputs(batch))) as Tensor).backward();
        noGrad(() => (module.eval() as GraphModule).forward(...each.inputs(4)));
        outputsOf(module.train(), each.inputs(64));
        expect(backend.info().heapUsed).toBeGreaterThan(0.5 * MIB);
      };
      await use();
      await collect();
      expect(backend.info().heapUsed).toBe(0);
    });
  });

  it('does not keep batches and results alive through a loss that is kept', () => {
    const backend = WasmBackend.create({ threads: 1 });
    return on(backend, async () => {
      const module = await moduleOf(each, 'float', planned);
      const losses: Tensor[] = [];
      const step = (): void => {
        const loss = each.loss(outputsOf(module, each.inputs(32))) as Tensor;
        loss.backward();
        losses.push(loss);
      };
      step();
      await collect();
      const before = backend.info().heapUsed;
      for (let count = 0; count < 20; count++) step();
      await collect();
      // An input is 24 KiB.
      expect(backend.info().heapUsed - before).toBeLessThan(60 * 1024);
    });
  });
});
