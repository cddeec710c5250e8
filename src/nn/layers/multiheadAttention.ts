/** Multi-head attention (Vaswani et al., 2017). */
import { ShapeError } from '../../errors.js';
import { add } from '../../ops/elementwise/add.js';
import { multiply } from '../../ops/elementwise/multiply.js';
import { reshape } from '../../ops/movement/reshape.js';
import { narrow } from '../../ops/movement/slice.js';
import { chunk } from '../../ops/movement/split.js';
import { transpose } from '../../ops/movement/transpose.js';
import { dropout } from '../../ops/neural/dropout.js';
import { linear } from '../../ops/neural/linear.js';
import { matMul } from '../../ops/neural/matMul.js';
import { softmax } from '../../ops/neural/softmax.js';
import { checkOptions } from '../../options.js';
import { formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { xavierUniform_, zeros_ } from '../init.js';
import { Module } from '../module.js';
import type { Parameter } from '../parameter.js';
import { checkCount, checkNumber } from './checks.js';
import { Linear } from './linear.js';
import { emptyParameter } from './weights.js';

export interface MultiheadAttentionOptions {
  /** Share of the attention weights that are zeroed while training, 0 to 1. Default: 0. */
  dropout?: number;
  /** Whether the projections have offsets. Default: true. */
  bias?: boolean;
}

/**
 * Each of `numHeads` heads takes, for every query, the mean of the values weighted by the softmax of
 * query · key / sqrt(embedDim / numHeads). Queries [N, L, embedDim], keys and values [N, S, embedDim], result
 * [N, L, embedDim]. Parameters are named and shaped as PyTorch's.
 */
export class MultiheadAttention extends Module {
  /** Projections of query, key and value one below the other, [3 embedDim, embedDim]. */
  readonly inProjWeight: Parameter;
  /** [3 embedDim]. */
  readonly inProjBias: Parameter | null;
  readonly outProj: Linear;
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;

  /** @throws ValidationError for sizes that make no sense, heads that do not divide embedDim, and unknown options. */
  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    checkOptions('MultiheadAttention', options, ['dropout', 'bias']);
    const { bias = true } = options;
    this.embedDim = checkCount('MultiheadAttention', 'embedDim', embedDim);
    this.numHeads = checkCount('MultiheadAttention', 'numHeads', numHeads);
    checkCount('MultiheadAttention', 'embedDim / numHeads', embedDim / numHeads);
    this.dropout = checkNumber('MultiheadAttention', 'dropout', options.dropout ?? 0, 0, 1);
    this.inProjWeight = emptyParameter([3 * embedDim, embedDim]);
    this.inProjBias = bias ? emptyParameter([3 * embedDim]) : null;
    this.outProj = new Linear(embedDim, embedDim, { bias });
    this.resetParameters();
  }

  resetParameters(): void {
    xavierUniform_(this.inProjWeight);
    this.outProj.resetParameters();
    for (const bias of [this.inProjBias, this.outProj.bias]) if (bias) zeros_(bias);
  }

  /**
   * @param key Default: the query (self-attention).
   * @param value Default: the key.
   * @param mask Added to the products before the softmax, of a shape that broadcasts to [N, numHeads, L, S]; large
   *   negative numbers keep places from being seen. Default: none.
   */
  override forward(query: Tensor, key: Tensor = query, value: Tensor = key, mask?: Tensor): Tensor {
    for (const tensor of [query, key, value]) this.#check(tensor);
    const [queries, keys, values] = this.#project(query, key, value).map((tensor) => this.#heads(tensor));
    // Scaled before the product, as PyTorch does.
    const scaled = multiply(queries, 1 / Math.sqrt(this.embedDim / this.numHeads));
    const products = matMul(scaled, transpose(keys, 2, 3));
    const weights = softmax(mask ? add(products, mask) : products, 3);
    const kept = this.dropout > 0 ? dropout(weights, this.dropout, { training: this.training }) : weights;
    const mixed = transpose(matMul(kept, values), [0, 2, 1, 3]);
    return this.outProj.forward(reshape(mixed, [-1, query.shape[1], this.embedDim]));
  }

  /** Query, key and value times their parts of the weights; one product where they are the same tensor. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    if (query === key && key === value) return chunk(linear(query, this.inProjWeight, this.inProjBias), 3, 2);
    return [query, key, value].map((tensor, index) => {
      const part = (all: Tensor): Tensor => narrow(all, 0, index * this.embedDim, this.embedDim);
      return linear(tensor, part(this.inProjWeight), this.inProjBias && part(this.inProjBias));
    });
  }

  /** [N, L, embedDim] to [N, numHeads, L, embedDim / numHeads]. */
  #heads(x: Tensor): Tensor {
    return transpose(reshape(x, [-1, x.shape[1], this.numHeads, this.embedDim / this.numHeads]), [0, 2, 1, 3]);
  }

  #check({ shape }: Tensor): void {
    if (shape.length === 3 && shape[2] === this.embedDim) return;
    throw new ShapeError(
      'ATTENTION_SHAPE',
      `MultiheadAttention takes tensors [N, L, ${this.embedDim}], but one has shape ${formatShape(shape)}.`,
      { shape, embedDim: this.embedDim },
    );
  }
}
