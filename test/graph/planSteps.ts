/** What tests of the planned executor's rules share: models, steps, and looking at gradients. */
import { expect } from 'vitest';
import { QuantGradError } from '../../src/errors.js';
import type { GraphModule } from '../../src/graph/graphModule.js';
import * as nn from '../../src/nn/index.js';
import { randn } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { PLAN_CASES, type PlanCase } from './planCases.js';
import { callByCall, moduleOf, on, outputsOf, planned, values, type Way, wasm } from './planTools.js';

/** e^x, whose gradient needs the result. */
export class Exponential extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.exp();
  }
}

export const { residual, dropout } = PLAN_CASES;
export const exponential: PlanCase = {
  build: () => new Exponential(),
  inputs: (batch) => [randn([batch, 10])],
  loss: ([y]) => y.sum(),
};
export const twoOutputs = PLAN_CASES['two outputs, loss on both'];

/** Runs `body` with the same model and inputs planned and call by call, and compares what it returns. */
export async function expectSame(
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

export const gradients = (module: nn.Module): (number[] | null)[] =>
  [...module.parameters()].map(({ grad }) => values(grad));

export const parameterOf = (module: nn.Module, name: string): Tensor =>
  new Map(module.namedParameters()).get(name) as Tensor;

export const zeroGrad = (module: nn.Module): void => {
  for (const parameter of module.parameters()) parameter.grad = null;
};

export const lossOf = (each: PlanCase, module: GraphModule, inputs: Tensor[]): Tensor =>
  each.loss(outputsOf(module, inputs)) as Tensor;

export function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

/** How often programs are compiled while `body` runs. */
export async function compilations(body: () => Promise<void> | void): Promise<number> {
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
