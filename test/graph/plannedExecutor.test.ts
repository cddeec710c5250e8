/** When plans are made, kept and made anew. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { Graph } from '../../src/graph/graph.js';
import type { GraphModule } from '../../src/graph/graphModule.js';
import { PlannedExecutor } from '../../src/graph/plannedExecutor.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import { SGD } from '../../src/optim/index.js';
import type { QuantizedModel } from '../../src/quant/index.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { PLAN_CASES } from './planCases.js';
import { codeOf, compilations, expectSame, exponential, gradients, lossOf, residual, zeroGrad } from './planSteps.js';
import { moduleOf, on, outputsOf, planned, wasm } from './planTools.js';

describe('when plans are made', () => {
  it('one for each shape, kept when another comes in between', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const step = (batch: number) => lossOf(residual, module, residual.inputs(batch)).backward();
      expect(await compilations(() => [5, 5, 3, 5, 3].forEach(step))).toBe(2);
    }));

  it('the number of plans is bounded', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const step = (batch: number) => lossOf(residual, module, residual.inputs(batch)).backward();
      expect(await compilations(() => [2, 3, 4, 5, 6, 7, 8, 9].forEach(step))).toBe(8);
      expect(await compilations(() => [2, 3, 4].forEach(step))).toBe(0);
      expect(await compilations(() => [10, 2, 3, 4].forEach(step))).toBe(1);
      expect(await compilations(() => step(5))).toBe(1);
    }));

  it('inputs of ever new sizes run call by call in the end, and a size that comes again is planned', () =>
    expectSame(residual, async (module, inputs) => {
      const found: unknown[] = [];
      const step = (batch: number): void => {
        zeroGrad(module);
        lossOf(residual, module, inputs(batch)).backward();
        found.push(gradients(module));
      };
      const sizes = Array.from({ length: 16 }, (_, index) => index + 2);
      const counts = [await compilations(() => sizes.forEach(step))];
      counts.push(await compilations(() => step(30)), await compilations(() => step(30)));
      counts.push(await compilations(() => step(30)), await compilations(() => step(31)));
      expect(counts).toEqual(module.planned ? [8, 0, 1, 0, 1] : [0, 0, 0, 0, 0]);
      return found;
    }));

  it('others for training, evaluation and without gradients', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const x = residual.inputs(4);
      const count = await compilations(() => {
        for (let epoch = 0; epoch < 3; epoch++) {
          module.train();
          lossOf(residual, module, x).backward();
          module.eval();
          noGrad(() => module.forward(...x));
        }
      });
      expect(count).toBe(2);
    }));

  it('another when quantizers are switched off, and the first again when they are on', async () => {
    const each = PLAN_CASES.depthwise;
    const results = await expectSame(
      each,
      (module, inputs) => {
        const quantized = module as QuantizedModel;
        const x = inputs(4);
        const run = () => {
          zeroGrad(module);
          const loss = lossOf(each, module.eval() as GraphModule, x);
          loss.backward();
          return [loss.itemSync(), gradients(module)];
        };
        const before = run();
        quantized.disableQuantization();
        const off = run();
        quantized.quantizers[0].enable();
        const one = run();
        quantized.enableQuantization();
        return [before, off, one, run()];
      },
      'quantized',
    );
    const [before, off, one, after] = results as unknown[];
    expect(after).toEqual(before);
    expect(off).not.toEqual(before);
    expect(one).not.toEqual(off);
    const count = await on(wasm, async () => {
      const module = (await moduleOf(each, 'quantized', planned)) as QuantizedModel;
      return compilations(() => {
        for (let round = 0; round < 3; round++) {
          lossOf(each, module.enableQuantization(), each.inputs(4)).backward();
          lossOf(each, module.disableQuantization(), each.inputs(4)).backward();
        }
      });
    });
    expect(count).toBe(2);
  });

  it('another when a parameter is frozen', () =>
    expectSame(residual, (module, inputs) => {
      const x = inputs(4);
      const run = () => {
        zeroGrad(module);
        lossOf(residual, module, x).backward();
        return gradients(module);
      };
      const all = run();
      const [first] = module.parameters();
      first.requiresGrad = false;
      const frozen = run();
      first.requiresGrad = true;
      return [all, frozen, run()];
    }));

  it('none when a state is loaded: the new values are used', () =>
    expectSame(residual, async (module, inputs) => {
      const x = inputs(4);
      const state = new Map([...module.stateDict()].map(([name, tensor]) => [name, tensor.mul(1).detach()]));
      const optimizer = new SGD(module.parameters(), { lr: 0.1 });
      const before = lossOf(residual, module, x);
      before.backward();
      optimizer.step();
      const changed = lossOf(residual, module, x).itemSync();
      module.loadStateDict(state);
      const after = lossOf(residual, module, x).itemSync();
      expect(after).toBe(before.itemSync());
      return [before.itemSync(), changed, after];
    }));

  it('none where an operation reads values while it runs: the model runs call by call', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const node = module.graph.nodes.find(({ type }) => type === 'ReLU');
      if (!node) throw new Error('the model has no ReLU');
      const { definition } = node;
      let reads = 0;
      Object.assign(node, {
        definition: {
          ...definition,
          lower: undefined,
          saves: undefined,
          decompose: ([x]: Tensor[]) => {
            reads += x.dataSync().length > 0 ? 1 : 0;
            return [x.relu()];
          },
        },
      });
      lossOf(residual, module, residual.inputs(4)).backward();
      expect(reads).toBe(1);
      expect(gradients(module).every((each) => each !== null)).toBe(true);
    }));

  it('none while another model is recorded, on another backend, or when switched off', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      module.planned = false;
      expect(await compilations(() => void module.forward(...residual.inputs(2)))).toBe(0);
      const other = WasmBackend.create({ threads: 1 });
      module.planned = true;
      const [x] = residual.inputs(2);
      const moved = await x.to(other);
      expect(codeOf(() => module.forward(moved))).toBe('MIXED_BACKENDS');
    }));
});

describe('an observer', () => {
  it('sees the values that it wants in every run, also of a graph without outputs', () =>
    on(wasm, async () => {
      const module = await moduleOf(exponential, 'float', planned);
      const { nodes, inputs, outputs } = module.graph;
      const seen: number[][] = [];
      const executor = new PlannedExecutor(new Graph(nodes, inputs, []), {
        wants: (value) => value === outputs[0].value,
        observe: (_value, values, { shape }) => seen.push([...shape, ...values]),
      });
      for (const batch of [2, 3, 2]) {
        seen.length = 0;
        const x = exponential.inputs(batch);
        expect(executor.run(x, false)).toEqual([]);
        const [y] = noGrad(() => outputsOf(module, x));
        expect(seen).toEqual([[batch, 10, ...y.dataSync()]]);
      }
      expect(executor.size).toBe(2);
    }));
});
