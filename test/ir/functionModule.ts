/** Functions as modules, and files as models, for tests that compare before and after a file. */
import { noGrad } from '../../src/autograd/gradMode.js';
import { parseIr } from '../../src/ir/reader.js';
import { type ModelFiles, type SaveModelOptions, serializeModel } from '../../src/ir/writer.js';
import { Module } from '../../src/nn/module.js';
import type { Tensor } from '../../src/tensor/tensor.js';

export type TensorFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

export class FunctionModule extends Module {
  readonly #run: TensorFunction;

  constructor(run: TensorFunction) {
    super();
    this.#run = run;
  }

  override forward(...inputs: Tensor[]): Tensor | readonly Tensor[] {
    return this.#run(...inputs);
  }
}

export const list = (result: unknown): Tensor[] => [result].flat() as Tensor[];

/** What the model that was read from a file computes. */
export const runFile = ({ xml, bin }: ModelFiles, inputs: readonly Tensor[]): Tensor[] =>
  noGrad(() => list(parseIr(xml, bin).forward(...inputs)));

/** The file of a function. */
export const fileOf = (
  run: TensorFunction,
  inputs: readonly Tensor[],
  options: SaveModelOptions = {},
): Promise<ModelFiles> => serializeModel(new FunctionModule(run), { inputs, dynamicBatch: false, ...options });

/** The largest difference, over the largest value (at least 1). */
export function relativeError(actual: Tensor, expected: Tensor): number {
  const [a, e] = [actual.dataSync(), expected.dataSync()];
  if (a.length !== e.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let scale = 1;
  e.forEach((value, index) => {
    if (!Object.is(value, a[index]) && value !== a[index])
      error = Math.max(error, Number.isNaN(value - a[index]) ? Number.POSITIVE_INFINITY : Math.abs(value - a[index]));
    if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  });
  return error / scale;
}
