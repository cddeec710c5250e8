/** Compiled programs: joined and packed launches give what kernels give one by one, with fewer launches and transfers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WORKLOADS } from '../../../bench/networks.js';
import { GpuJsBackend, type GpuJsInfo } from '../../../src/kernels/gpujs/backend.js';
import { RecordingBackend } from '../../../src/kernels/program.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { SGD } from '../../../src/optim/index.js';
import { quantize } from '../../../src/quant/index.js';
import { randint, randn } from '../../../src/tensor/create.js';
import { manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { PLAN_CASES } from '../../graph/planCases.js';
import { expectClose, observe, on } from '../../graph/planTools.js';

/** Those that differ in how a program is laid out; what is in them is the kernels' tests' business. */
const CASES = [
  'residual',
  'dropout',
  'two outputs, loss on both',
  'two outputs, loss on the second',
  'two outputs, no loss',
  'integer output',
  'embedding',
  'frozen parameters',
  'input gradients',
  'aliases of inputs and outputs',
  'equal gradients of two parameters',
] as const;

const launchesOf = ({ launches }: GpuJsInfo): number => Object.values(launches).reduce((a, b) => a + b, 0);

describe('programs compiled for GPU.js', () => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode: 'cpu' });
  });
  afterAll(() => backend.dispose());

  for (const name of CASES) {
    const each = PLAN_CASES[name];
    const kind = each.quantizable === false ? 'float' : 'quantized';
    it(`${name}: outputs, gradients, state and random numbers are those of call-by-call execution`, async () => {
      const found = await observe(each, kind, { backend, planned: true });
      const wanted = await observe(each, kind, { backend, planned: false });
      expectClose(found, wanted, 1e-6);
    });
  }
});

describe('a program that is given integers', () => {
  it.each([false, true])(
    'runs on the host where float32 does not have them (asynchronous: %s)',
    async (asynchronous) => {
      const backend = await GpuJsBackend.create({ mode: 'cpu', asynchronous });
      const recorder = new RecordingBackend(backend);
      const integers = { shape: [2], dtype: 'int32' } as const;
      const flags = { shape: [2], dtype: 'bool' } as const;
      const inputs = [0, 1].map(() => recorder.external('int32', 2));
      const operands = inputs.map((storage) => ({ ...integers, storage }));
      const [equal] = recorder.run('binary', operands, { function: 'equal' }, [flags]);
      const results = recorder.run('unary', [{ ...flags, storage: equal }], { function: 'logicalNot' }, [flags]);
      const backward = { steps: [], gradients: [], inputGradients: [] };
      const program = backend.compile({ steps: recorder.steps, inputs, results, backward });
      const differ = async (a: readonly number[], b: readonly number[]): Promise<number[]> => {
        const run = program.forward([a, b].map((each) => backend.upload(Int32Array.from(each), 'int32')));
        run.dispose();
        return [...(await backend.read(run.results[0]))];
      };
      expect(await differ([3, 7], [3, 8])).toEqual([0, 1]);
      // Two kernels, one launch.
      expect(launchesOf(backend.info())).toBe(1);
      expect(await differ([2 ** 24 + 1, 7], [2 ** 24, 7])).toEqual([1, 0]);
      expect(backend.info()).toMatchObject({ launches: { unary: 1 }, fallbacks: { binary: 1, unary: 1 } });
      await backend.dispose();
    },
  );
});

describe("the small CNN's step of quantization-aware training", () => {
  /** Losses, and what the backend did in the last step. */
  async function train(backend: GpuJsBackend): Promise<{ losses: number[]; step: Record<string, number> }> {
    const { model: build, shape } = WORKLOADS['small-cnn-28-b64'];
    return on(backend, async () => {
      manualSeed(0);
      const x = randn([1, ...shape.slice(1)]);
      const y = randint(0, 10, [1]);
      const model = await quantize(build(), [x], { subsetSize: 1 });
      const optimizer = new SGD(model.parameters(), { lr: 1e-3, momentum: 0.9 });
      model.train();
      const losses: number[] = [];
      let before = backend.info();
      // The guard of ranges reads values before and after steps 1, 2 and 4; what a step enqueues may run during the next.
      for (let step = 0; step < 6; step++) {
        before = backend.info();
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x) as Tensor, y);
        loss.backward();
        optimizer.step();
        losses.push(await loss.item());
      }
      const after = backend.info();
      return {
        losses,
        step: {
          launches: launchesOf(after) - launchesOf(before),
          readbacks: after.readbacks - before.readbacks,
          fallbacks: Object.keys(after.fallbacks).length,
          built: after.kernels.built - before.kernels.built,
        },
      };
    });
  }

  it('takes under 120 launches and reads only its loss', async () => {
    const backend = await GpuJsBackend.create({ mode: 'webasm', asynchronous: true });
    const { losses, step } = await train(backend);
    expect(step.launches).toBeLessThan(120);
    expect(step).toMatchObject({ readbacks: 1, fallbacks: 0, built: 0 });
    expect(losses[5]).toBeLessThan(losses[0]);
    await backend.dispose();
  });
});
