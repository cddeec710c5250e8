/** A compiled float model does what the model did, from plans. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { compile } from '../../src/graph/compile.js';
import { trace } from '../../src/graph/trace.js';
import * as nn from '../../src/nn/index.js';
import { flattenOutputs } from '../../src/nn/structure.js';
import { SGD } from '../../src/optim/index.js';
import { quantize } from '../../src/quant/index.js';
import { randn } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { PLAN_CASES, type PlanCase } from './planCases.js';
import { compilations, gradients, zeroGrad } from './planSteps.js';
import { expectClose, on, reference, values, wasm } from './planTools.js';

const state = (model: nn.Module): Record<string, number[] | null> =>
  Object.fromEntries([...model.stateDict()].map(([name, tensor]) => [name, values(tensor)]));

const identity = <M>(model: M): M => model;

/** What steps of a model leave behind, in batches of two sizes. */
function train(each: PlanCase, prepare: <M extends nn.Module>(model: M) => M): Promise<unknown> {
  return on(wasm, () => {
    manualSeed(5);
    const model = prepare(each.build());
    model.train(!each.evaluation);
    each.prepare?.(model);
    const trained = model.parameters().filter(({ requiresGrad }) => requiresGrad);
    const optimizer = trained.length > 0 ? new SGD(trained, { lr: 0.01, momentum: 0.9 }) : null;
    const found = [4, 3, 4].map((batch) => {
      optimizer?.zeroGrad();
      const { tensors } = flattenOutputs(model.forward(...each.inputs(batch)));
      each.loss(tensors)?.backward();
      const left = [tensors.map(values), gradients(model)];
      optimizer?.step();
      return left;
    });
    return { found, state: state(model) };
  });
}

class Scaled extends nn.Module {
  weight = new nn.Parameter(randn([4]));
  factor = 2;

  forward(x: Tensor): Tensor {
    return x.mul(this.weight).mul(this.factor);
  }
}

/** Calculates with the number of its images. */
class Mean extends nn.Module {
  weight = new nn.Parameter(randn([4]));

  forward(x: Tensor): Tensor {
    return x.mul(this.weight).sum().div(x.shape[0]);
  }
}

const convolutions = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(3, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(144, 5),
  );

describe('a compiled model', () => {
  describe('trains as it did', () => {
    for (const [name, each] of Object.entries(PLAN_CASES)) {
      it(name, async () => {
        const [compiled, eager] = [await train(each, compile), await train(each, identity)];
        expectClose(compiled, eager, each.repeats ? 1e-5 : 1e-6);
      });
    }
  });

  it('makes a plan for each shape and mode', () =>
    on(wasm, async () => {
      const model = compile(convolutions());
      const step = (batch: number) => (model.forward(randn([batch, 3, 8, 8])) as Tensor).sum().backward();
      expect(await compilations(() => [4, 4, 2, 4, 2].forEach(step))).toBe(2);
      model.eval();
      expect(await compilations(() => [4, 2, 4].forEach(step))).toBe(2);
      expect(await compilations(() => void noGrad(() => model.forward(randn([4, 3, 8, 8]))))).toBe(1);
    }));

  it('runs inputs of ever new sizes call by call in the end', () =>
    on(wasm, async () => {
      const model = compile(new Mean());
      const run = (batch: number) => void model.forward(randn([batch, 4]));
      expect(await compilations(() => Array.from({ length: 20 }, (_, index) => index + 1).forEach(run))).toBe(8);
      expect(await compilations(() => run(20))).toBe(1);
    }));

  it('may calculate with sizes', () =>
    on(wasm, () => {
      const model = compile(new Mean());
      for (const batch of [2, 5, 2]) {
        const x = randn([batch, 4]);
        const wanted = x.mul(model.weight).sum().itemSync() / batch;
        expect(model.forward(x).itemSync()).toBeCloseTo(wanted, 5);
      }
    }));

  it('is the same object with the same names, and stays one when it is compiled again', () => {
    const model = convolutions();
    const names = [...model.stateDict().keys()];
    expect(compile(compile(model))).toBe(model);
    expect([...model.stateDict().keys()]).toEqual(names);
    expect(Object.keys(model)).not.toContain('forward');
  });

  it('sees a parameter that was exchanged, and other fields when it is compiled again', () =>
    on(wasm, () => {
      const model = compile(new Scaled());
      const x = randn([3, 4]);
      const expected = () => values(x.mul(model.weight).mul(model.factor));
      expect(values(model.forward(x))).toEqual(expected());
      model.weight = new nn.Parameter(randn([4]));
      expect(values(model.forward(x))).toEqual(expected());
      model.factor = 3;
      expect(values(compile(model).forward(x))).toEqual(expected());
    }));

  it('with a frozen layer runs as it did', () =>
    on(wasm, async () => {
      const model = compile(convolutions()) as nn.Sequential;
      const before = state(model)['1.runningMean'];
      for (const [, module] of model.namedModules()) if (module instanceof nn.BatchNorm2d) module.eval();
      expect(await compilations(() => void model.forward(randn([4, 3, 8, 8])))).toBe(0);
      expect(state(model)['1.runningMean']).toEqual(before);
    }));

  it('runs call by call where there are no plans', () =>
    on(reference.backend, () => {
      manualSeed(3);
      const model = convolutions();
      const x = randn([2, 3, 8, 8]);
      const wanted = values(model.eval().forward(x) as Tensor);
      expect(values(compile(model).forward(x) as Tensor)).toEqual(wanted);
    }));

  it('is recorded and quantized under the names of its layers', () =>
    on(wasm, async () => {
      manualSeed(4);
      const model = convolutions();
      const x = randn([4, 3, 8, 8]);
      const names = ({ graph }: { graph: { nodes: readonly { name: string }[] } }) =>
        graph.nodes.map(({ name }) => name);
      const [graph, quantized] = [names(trace(model, [x])), names(await quantize(model, [x]))];
      compile(model).forward(x);
      zeroGrad(model);
      expect(names(trace(model, [x]))).toEqual(graph);
      expect(names(await quantize(model, [x]))).toEqual(quantized);
    }));

  it('says what cannot be recorded', () =>
    on(wasm, () => {
      class Reading extends nn.Module {
        forward(x: Tensor): Tensor {
          return x.sum().itemSync() > 0 ? x : x.neg();
        }
      }
      expect(() => compile(new Reading()).forward(randn([2]))).toThrow(/record/i);
    }));
});
