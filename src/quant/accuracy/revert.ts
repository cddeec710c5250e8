/** Bringing operations back to float and taking that back: quantizers off, and biases as they were before correction. */
import { noGrad } from '../../autograd/gradMode.js';
import type { Graph, GraphNode, GraphUse, GraphValue } from '../../graph/graph.js';
import { ADD } from '../../ops/elementwise/add.js';
import { BATCH_NORM_INFERENCE } from '../../ops/neural/batchNorm.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Quantizer } from '../quantizer.js';
import type { QuantizerGroup } from './groups.js';

/** What is brought back to float: all of a group, or its activations only, so that weights stay small. */
export type RestoreMode = 'activationsAndWeights' | 'onlyActivations';

export class FloatReverter {
  readonly #uses: ReadonlyMap<GraphValue, readonly GraphUse[]>;
  readonly #originals: ReadonlyMap<string, Tensor>;
  readonly #mode: RestoreMode;

  /** @param originals The float model's tensors by name. */
  constructor(graph: Graph, originals: ReadonlyMap<string, Tensor>, mode: RestoreMode) {
    this.#uses = graph.uses();
    this.#originals = originals;
    this.#mode = mode;
  }

  /** The quantizers of a group that are switched off with it. */
  quantizersOf({ quantizers }: QuantizerGroup): Quantizer[] {
    const all = quantizers.map((node) => new Quantizer(node));
    return this.#mode === 'onlyActivations' ? all.filter(({ spec }) => spec.kind === 'activations') : all;
  }

  /** @returns A function that takes it back. */
  revert(group: QuantizerGroup): () => void {
    const quantizers = this.quantizersOf(group).filter(({ enabled }) => enabled);
    const biases = group.operations.flatMap((node) => this.#correctedBiases(node));
    for (const quantizer of quantizers) quantizer.disable();
    const before = biases.map(({ tensor, original }) => {
      const value = tensor.detach();
      noGrad(() => tensor.assign_(original));
      return { tensor, value };
    });
    return () => {
      for (const quantizer of quantizers) quantizer.enable();
      noGrad(() => {
        for (const { tensor, value } of before) tensor.assign_(value);
      });
    };
  }

  /** Biases and shifts of batch normalisation that an operation's result goes through, with the float model's values. */
  #correctedBiases(operation: GraphNode): { tensor: Tensor; original: Tensor }[] {
    const found: { tensor: Tensor; original: Tensor }[] = [];
    for (let node: GraphNode | undefined = operation; node; ) {
      const readers: readonly GraphUse[] = this.#uses.get(node.outputs[0]) ?? [];
      const next: GraphUse | undefined = readers.length === 1 ? readers[0] : undefined;
      node = undefined;
      const bias = next && biasOf(next);
      if (!bias) break;
      const { tensor, path } = bias.constant;
      const original = this.#originals.get(path);
      if (original) found.push({ tensor, original });
      node = next.node;
    }
    return found;
  }
}

/** The constant that the reader of a value adds to it. */
function biasOf({ node, port }: GraphUse): GraphNode | null {
  if (node.definition === BATCH_NORM_INFERENCE && port === 0) return constantBehind(node.inputs[BETA]);
  if (node.definition === ADD) return constantBehind(node.inputs[1 - port]);
  return null;
}

/** Inputs of batch normalisation are x, gamma, beta, mean, variance. */
const BETA = 2;

function constantBehind(value: GraphValue): GraphNode | null {
  let { node } = value;
  while (node.type === 'Reshape') node = node.inputs[0].node;
  return node.isConstant ? node : null;
}
