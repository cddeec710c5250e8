/** A table of trained vectors. */
import { embedding } from '../../ops/neural/embedding.js';
import type { Tensor } from '../../tensor/tensor.js';
import { normal_ } from '../init.js';
import { Module } from '../module.js';
import type { Parameter } from '../parameter.js';
import { checkCount } from './checks.js';
import { emptyParameter } from './weights.js';

/** The rows that whole-number indices name: [...] (int32) to [..., embeddingDim]. */
export class Embedding extends Module {
  /** [numEmbeddings, embeddingDim]; starts standard normal. */
  readonly weight: Parameter;
  readonly numEmbeddings: number;
  readonly embeddingDim: number;

  /** @throws ValidationError for sizes below 1. */
  constructor(numEmbeddings: number, embeddingDim: number) {
    super();
    this.numEmbeddings = checkCount('Embedding', 'numEmbeddings', numEmbeddings);
    this.embeddingDim = checkCount('Embedding', 'embeddingDim', embeddingDim);
    this.weight = emptyParameter([numEmbeddings, embeddingDim]);
    this.resetParameters();
  }

  resetParameters(): void {
    normal_(this.weight);
  }

  override forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight);
  }
}
