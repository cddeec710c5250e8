/** A network to be compared with OpenVINO. */

import { noGrad } from '../../../src/autograd/gradMode.js';
import { BatchNorm1d, BatchNorm2d } from '../../../src/nn/layers/index.js';
import type { Module } from '../../../src/nn/module.js';
import { fromValues, randn } from '../../../src/tensor/create.js';
import type { Generator } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

export interface Network {
  readonly name: string;
  readonly model: Module;
  /** Shape of each input, without the batch. */
  readonly inputs: readonly (readonly number[])[];
}

/** A batch for every input: normal values, of which some are negative. */
export const batchFor = ({ inputs }: Network, size: number, generator: Generator): Tensor[] =>
  inputs.map((shape) => randn([size, ...shape], { generator }));

/** Gives batch normalisations statistics of data, and scales of both signs and offsets that matter. */
export function trainStatistics(network: Network, generator: Generator): void {
  const { model } = network;
  model.train();
  noGrad(() => {
    for (const module of model.modules()) {
      if (!(module instanceof BatchNorm2d || module instanceof BatchNorm1d)) continue;
      const draw = (next: () => number) =>
        fromValues(Float32Array.from({ length: module.numFeatures }, next), [module.numFeatures], 'float32');
      module.weight?.assign_(draw(() => (generator.bernoulli(0.25) ? -1 : 1) * (0.5 + generator.uniformDouble())));
      module.bias?.assign_(draw(() => 0.5 * generator.normal()));
    }
    for (let step = 0; step < 3; step++) model.forward(...batchFor(network, 4, generator));
  });
  model.eval();
}
