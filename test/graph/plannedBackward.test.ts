/** What may happen between a planned forward pass and its backward pass, and whose memory gradients are. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import type { GraphModule } from '../../src/graph/graphModule.js';
import { SGD } from '../../src/optim/index.js';
import { full, randn } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import {
  codeOf,
  dropout,
  expectSame,
  exponential,
  gradients,
  lossOf,
  parameterOf,
  residual,
  twoOutputs,
  zeroGrad,
} from './planSteps.js';
import { callByCall, moduleOf, on, outputsOf, planned, values, wasm } from './planTools.js';

describe('between forward and backward', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    it(`two forward passes, backward in the order ${order}`, () =>
      expectSame(dropout, (module, inputs) => {
        const found = [inputs(4), inputs(4)].map((x) => lossOf(dropout, module, x));
        return order.map((index) => {
          found[index].backward();
          const result = gradients(module);
          zeroGrad(module);
          return result;
        });
      }));
  }

  it('five forward passes, then five backward passes: what does not fit is kept aside', () =>
    expectSame(dropout, (module, inputs) => {
      const found = [1, 2, 3, 4, 5].map(() => lossOf(dropout, module, inputs(4)));
      return found.map((loss) => {
        loss.backward();
        const result = gradients(module);
        zeroGrad(module);
        return [loss.itemSync(), result];
      });
    }));

  it('forward passes of other shapes and without gradients do no harm', () =>
    expectSame(dropout, (module, inputs) => {
      const loss = lossOf(dropout, module, inputs(4));
      noGrad(() => module.forward(...inputs(4)));
      lossOf(dropout, module, inputs(3)).backward();
      noGrad(() => module.forward(...inputs(3)));
      zeroGrad(module);
      loss.backward();
      return gradients(module);
    }));

  it('three backward passes add up, and the sums stay apart from what is computed next', () =>
    expectSame(residual, (module, inputs) => {
      const sums = [1, 2, 3].map(() => {
        lossOf(residual, module, inputs(4)).backward();
        return gradients(module);
      });
      zeroGrad(module);
      lossOf(residual, module, inputs(4)).backward();
      return [sums, gradients(module)];
    }));

  it('a parameter that the backward pass reads must not change', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const loss = lossOf(residual, module, residual.inputs(4));
      const weight = parameterOf(module, 'conv2.weight');
      noGrad(() => weight.mul_(2));
      expect(codeOf(() => loss.backward())).toBe('SAVED_TENSOR_CHANGED');
      lossOf(residual, module, residual.inputs(4)).backward();
    }));

  it('neither must the input, nor an output that is needed', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const [x] = residual.inputs(4);
      const loss = lossOf(residual, module, [x]);
      x.fill_(0);
      expect(codeOf(() => loss.backward())).toBe('SAVED_TENSOR_CHANGED');
      const other = await moduleOf(exponential, 'float', planned);
      const [y] = outputsOf(other, [randn([3, 10], { requiresGrad: true })]);
      const total = y.sum();
      noGrad(() => y.fill_(1));
      expect(codeOf(() => total.backward())).toBe('SAVED_TENSOR_CHANGED');
    }));

  it('what the backward pass does not read may change, and its old memory is not used', () =>
    expectSame(residual, (module, inputs) => {
      const loss = lossOf(residual, module, inputs(4));
      const bias = parameterOf(module, 'head.fc.bias');
      noGrad(() => bias.fill_(3));
      const others = Array.from({ length: 20 }, (_, index) => full(bias.shape, index));
      loss.backward();
      return [gradients(module), others.map(values)];
    }));

  it('the second backward pass is refused, unless the first retains', async () => {
    await on(wasm, async () => {
      const module = await moduleOf(dropout, 'float', planned);
      const loss = lossOf(dropout, module, dropout.inputs(4));
      loss.backward();
      expect(codeOf(() => loss.backward())).toBe('TAPE_FREED');
    });
    await expectSame(dropout, (module, inputs) => {
      const loss = lossOf(dropout, module, inputs(4));
      const found = [true, true, false].map((retainGraph) => {
        zeroGrad(module);
        loss.backward({ retainGraph });
        return gradients(module);
      });
      expect(found[1]).toEqual(found[0]);
      expect(found[2]).toEqual(found[0]);
      expect(codeOf(() => loss.backward())).toBe('TAPE_FREED');
      return found;
    });
  });

  it('a retained pass survives steps in between', () =>
    expectSame(dropout, (module, inputs) => {
      const loss = lossOf(dropout, module, inputs(4));
      loss.backward({ retainGraph: true });
      const first = gradients(module);
      zeroGrad(module);
      lossOf(dropout, module, inputs(4)).backward();
      lossOf(dropout, module, inputs(3)).backward();
      zeroGrad(module);
      loss.backward();
      expect(gradients(module)).toEqual(first);
      return first;
    }));

  it('backward from one output, then from the other', () =>
    expectSame(twoOutputs, (module, inputs) => {
      const run = (...chosen: number[]) => {
        zeroGrad(module);
        const outputs = outputsOf(module, inputs(4));
        chosen.forEach((index, turn) => {
          outputs[index]
            .square()
            .mean()
            .backward({ retainGraph: turn < chosen.length - 1 });
        });
        return gradients(module);
      };
      return [run(0), run(1), run(0, 1), run(1, 0), run(0)];
    }));

  it('two models in a row, and gradients that go on into the first', () =>
    on(wasm, async () => {
      const found = await Promise.all(
        [planned, callByCall].map(async (way) => {
          const front = await moduleOf(exponential, 'float', way);
          const module = await moduleOf(dropout, 'float', way);
          manualSeed(3);
          const x = randn([4, 10], { requiresGrad: true });
          return [1, 2].map(() => {
            lossOf(dropout, module, [front.forward(x.mul(0.5).reshape([4, 10])) as Tensor]).backward();
            return [values(x.grad), gradients(module)];
          });
        }),
      );
      expect(found[0]).toEqual(found[1]);
    }));

  it('an error in forward leaves everything usable', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const x = residual.inputs(4);
      const step = () => {
        zeroGrad(module);
        const loss = lossOf(residual, module.eval() as GraphModule, x);
        loss.backward();
        return [loss.itemSync(), gradients(module)];
      };
      const before = step();
      expect(codeOf(() => module.forward(randn([4, 2, 8, 8])))).not.toBe('nothing was thrown');
      expect(codeOf(() => module.forward())).not.toBe('nothing was thrown');
      const node = module.graph.nodes.find(({ type }) => type === 'Convolution');
      const attributes = node?.attributes;
      Object.assign(node as object, { attributes: { ...(attributes as object), strides: [0, 0] } });
      expect(() => module.forward(...x)).toThrow();
      Object.assign(node as object, { attributes });
      expect(step()).toEqual(before);
    }));
});

describe('gradients', () => {
  it('are used again once no parameter holds them, but not while something was made from them', () =>
    on(wasm, async () => {
      const module = await moduleOf(residual, 'float', planned);
      const [weight] = module.parameters();
      const step = () => {
        zeroGrad(module);
        lossOf(residual, module, residual.inputs(4)).backward();
        return weight.grad as Tensor;
      };
      const first = step();
      const version = first.version;
      const kept = first.mul(1);
      const second = step();
      expect(second).toBe(first);
      expect(first.version).toBeGreaterThan(version);
      const alias = second.detach();
      const before = values(alias);
      const third = step();
      expect(third).not.toBe(second);
      expect(values(alias)).toEqual(before);
      expect(values(kept)).not.toEqual(before);
    }));

  it('of one model may be given to a buffer, another parameter, or back as a gradient', () =>
    expectSame(residual, (module, inputs) => {
      const [weight] = [...module.parameters()];
      const copy = weight.mul(1).detach();
      lossOf(residual, module, inputs(4)).backward();
      copy.assign_(weight.grad as Tensor);
      const first = values(copy);
      zeroGrad(module);
      lossOf(residual, module, inputs(4)).backward();
      expect(values(copy)).toEqual(first);
      const other = [...module.parameters()].find((each) => each !== weight) as Tensor;
      other.grad = weight.grad;
      weight.grad = null;
      lossOf(residual, module, inputs(4)).backward();
      return [first, values(weight.grad)];
    }));

  it('may be changed in place', () =>
    expectSame(residual, (module, inputs) => {
      const optimizer = new SGD(module.parameters(), { lr: 0.1, momentum: 0.9 });
      return [1, 2, 3, 4].map(() => {
        optimizer.zeroGrad();
        const loss = lossOf(residual, module, inputs(4));
        loss.backward();
        for (const { grad } of module.parameters()) grad?.mul_(0.5);
        optimizer.step();
        return [loss.itemSync(), gradients(module)];
      });
    }));
});
