/** The rules of planned execution: when plans are made, what may happen between forward and backward, whose memory is whose. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { QuantGradError } from '../../src/errors.js';
import type { GraphModule } from '../../src/graph/graphModule.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import * as nn from '../../src/nn/index.js';
import { SGD } from '../../src/optim/index.js';
import type { QuantizedModel } from '../../src/quant/index.js';
import { full, randn } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { PLAN_CASES, type PlanCase } from './planCases.js';
import { callByCall, moduleOf, on, outputsOf, planned, values, type Way, wasm } from './planTools.js';

/** e^x, whose gradient needs the result. */
class Exponential extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.exp();
  }
}

const { residual, dropout } = PLAN_CASES;
const exponential: PlanCase = {
  build: () => new Exponential(),
  inputs: (batch) => [randn([batch, 10])],
  loss: ([y]) => y.sum(),
};
const twoOutputs = PLAN_CASES['two outputs, loss on both'];

/** Runs `body` with the same model and inputs planned and call by call, and compares what it returns. */
async function expectSame(
  each: PlanCase,
  body: (module: GraphModule, inputs: (batch: number) => Tensor[]) => unknown,
  kind: 'float' | 'quantized' = 'float',
): Promise<unknown> {
  const run = (way: Way): Promise<unknown> =>
    on(way.backend, async () => {
      const module = await moduleOf(each, kind, way);
      manualSeed(23);
      return body(module, each.inputs);
    });
  const found = await run(planned);
  expect(found).toEqual(await run(callByCall));
  return found;
}

const gradients = (module: nn.Module): (number[] | null)[] => [...module.parameters()].map(({ grad }) => values(grad));

const parameterOf = (module: nn.Module, name: string): Tensor => new Map(module.namedParameters()).get(name) as Tensor;

const zeroGrad = (module: nn.Module): void => {
  for (const parameter of module.parameters()) parameter.grad = null;
};

const lossOf = (each: PlanCase, module: GraphModule, inputs: Tensor[]): Tensor =>
  each.loss(outputsOf(module, inputs)) as Tensor;

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

/** How often programs are compiled while `body` runs. */
async function compilations(body: () => Promise<void> | void): Promise<number> {
  const compile = wasm.compile;
  let count = 0;
  wasm.compile = (program) => {
    count++;
    return compile.call(wasm, program);
  };
  try {
    await body();
  } finally {
    wasm.compile = compile;
  }
  return count;
}

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
    const count = await compilations(async () => {
      await on(wasm, async () => {
        const module = (await moduleOf(each, 'quantized', planned)) as QuantizedModel;
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
          gradient: undefined,
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
