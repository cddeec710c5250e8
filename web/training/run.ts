/** A run: so many epochs of training one network, in steps that can be taken whenever there is time. */
import { data, functional as F, optim, type Tensor } from 'quantgrad';
import type { DigitsDataset } from '../../examples/digits/parse.js';
import type { Phase, TrainOptions } from '../protocol.js';
import type { Network } from './networks.js';

export type DigitsLoader = data.DataLoader<[Tensor, Tensor]>;

/** Where a run stands: plain JSON. */
export interface RunPosition extends TrainOptions {
  readonly phase: Phase;
  readonly step: number;
}

export interface StepResult {
  readonly loss: number;
  readonly endsEpoch: boolean;
  readonly endsRun: boolean;
}

/** The order of a run's batches depends on the seed and on how much of its phase was trained before. */
export const makeLoader = (train: DigitsDataset, batchSize: number, seed: number): DigitsLoader =>
  new data.DataLoader(train, { batchSize, shuffle: true, seed });

export class Run {
  readonly phase: Phase;
  readonly epochs: number | null;
  readonly batchSize: number;
  /** Of the first step. */
  learningRate: number;
  readonly network: Network;
  readonly loader: DigitsLoader;
  readonly optimizer: optim.Adam;
  #step: number;
  #batches: AsyncIterator<[Tensor, Tensor]> | null = null;

  constructor(network: Network, loader: DigitsLoader, { phase, epochs, batchSize, learningRate, step }: RunPosition) {
    this.phase = phase;
    this.epochs = epochs;
    this.batchSize = batchSize;
    this.learningRate = learningRate;
    this.network = network;
    this.loader = loader;
    this.optimizer = new optim.Adam(network.parameters(), { lr: learningRate });
    this.#step = step;
  }

  /** Steps that are done. */
  get step(): number {
    return this.#step;
  }

  /** Steps of the whole run; null if it has no end. */
  get steps(): number | null {
    return this.epochs === null ? null : this.epochs * this.loader.length;
  }

  get finished(): boolean {
    return this.steps !== null && this.#step >= this.steps;
  }

  get position(): RunPosition {
    const { phase, epochs, batchSize, learningRate, step } = this;
    return { phase, epochs, batchSize, learningRate, step };
  }

  /** Falls to 0 along a cosine, if the run has an end. */
  get #rate(): number {
    const { steps, step, learningRate } = this;
    return steps === null ? learningRate : (learningRate / 2) * (1 + Math.cos((Math.PI * step) / steps));
  }

  /** Trains on the next batch. */
  async takeStep(): Promise<StepResult> {
    const [images, labels] = await this.#nextBatch();
    const { network, optimizer } = this;
    for (const group of optimizer.paramGroups) group.lr = this.#rate;
    network.train();
    optimizer.zeroGrad();
    const loss = F.crossEntropy(network.forward(images), labels);
    loss.backward();
    optimizer.step();
    const value = await loss.item();
    this.#step++;
    return { loss: value, endsEpoch: this.#step % this.loader.length === 0, endsRun: this.finished };
  }

  async #nextBatch(): Promise<[Tensor, Tensor]> {
    for (;;) {
      this.#batches ??= this.loader[Symbol.asyncIterator]();
      const next = await this.#batches.next();
      if (!next.done) return next.value;
      this.#batches = null;
    }
  }
}
