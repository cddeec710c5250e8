/**
 * A transformer encoder (Vaswani et al., 2017). Layers are called as in PyTorch's `TransformerEncoder`, except that
 * normalisation comes first by default, with which deep encoders train without warm-up.
 */
import { add } from '../../ops/elementwise/add.js';
import { mean } from '../../ops/reduction/mean.js';
import type { Tensor } from '../../tensor/tensor.js';
import { GELU } from '../layers/activations.js';
import { Dropout } from '../layers/dropout.js';
import { LayerNorm } from '../layers/layerNorm.js';
import { Linear } from '../layers/linear.js';
import { MultiheadAttention } from '../layers/multiheadAttention.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { readOptions } from './options.js';

export interface TransformerEncoderOptions {
  /** Features of a token. Default: 64. */
  embedDim?: number;
  /** Attention heads, which divide embedDim. Default: 4. */
  numHeads?: number;
  /** Number of layers. Default: 2. */
  numLayers?: number;
  /** Width of the hidden layer between the two linear ones. Default: 4 embedDim. */
  hiddenFeatures?: number;
  /** Share of the values that dropout zeroes while training, 0 to 1. Default: 0.1. */
  dropout?: number;
  /** Normalise in front of attention and linear layers (and once at the end), not behind the sums. Default: true. */
  normFirst?: boolean;
  /** If given, a linear layer `fc` on the mean of the tokens classifies sequences. Default: 0, none. */
  numClasses?: number;
}

/** Self-attention and two linear layers with GELU, each beside a shortcut: [N, L, embedDim] to the same shape. */
export class TransformerEncoderLayer extends Module {
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly activation = new GELU();
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly normFirst: boolean;

  constructor(embedDim: number, numHeads: number, hiddenFeatures: number, dropout: number, normFirst: boolean) {
    super();
    this.selfAttn = new MultiheadAttention(embedDim, numHeads, { dropout });
    this.linear1 = new Linear(embedDim, hiddenFeatures);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(hiddenFeatures, embedDim);
    this.norm1 = new LayerNorm(embedDim);
    this.norm2 = new LayerNorm(embedDim);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.normFirst = normFirst;
  }

  override forward(x: Tensor): Tensor {
    if (this.normFirst) {
      const attended = add(x, this.#attend(this.norm1.forward(x)));
      return add(attended, this.#feedForward(this.norm2.forward(attended)));
    }
    const attended = this.norm1.forward(add(x, this.#attend(x)));
    return this.norm2.forward(add(attended, this.#feedForward(attended)));
  }

  #attend(x: Tensor): Tensor {
    return this.dropout1.forward(this.selfAttn.forward(x));
  }

  #feedForward(x: Tensor): Tensor {
    const hidden = this.dropout.forward(this.activation.forward(this.linear1.forward(x)));
    return this.dropout2.forward(this.linear2.forward(hidden));
  }
}

/** Tokens [N, L, embedDim] to [N, L, embedDim], or with `numClasses` to [N, numClasses]. */
export class TransformerEncoder extends Module {
  readonly layers: Sequential;
  readonly norm: LayerNorm | null;
  readonly fc: Linear | null;

  constructor(options?: TransformerEncoderOptions) {
    super();
    const { hiddenFeatures, numClasses, ...rest } = { ...options };
    const defaults = { embedDim: 64, numHeads: 4, numLayers: 2, dropout: 0.1, normFirst: true };
    const base = readOptions('transformerEncoder', rest, defaults);
    const { embedDim, numHeads, numLayers, dropout, normFirst } = base;
    const width = hiddenFeatures ?? 4 * embedDim;
    this.layers = new Sequential(
      ...Array.from(
        { length: numLayers },
        () => new TransformerEncoderLayer(embedDim, numHeads, width, dropout, normFirst),
      ),
    );
    this.norm = normFirst ? new LayerNorm(embedDim) : null;
    this.fc = numClasses ? new Linear(embedDim, numClasses) : null;
  }

  override forward(x: Tensor): Tensor {
    const encoded = this.layers.forward(x);
    const normalized = this.norm ? this.norm.forward(encoded) : encoded;
    return this.fc ? this.fc.forward(mean(normalized, 1)) : normalized;
  }
}

/** A transformer encoder of two layers, four heads and 64 features by default. */
export const transformerEncoder = (options?: TransformerEncoderOptions): TransformerEncoder =>
  new TransformerEncoder(options);
