/**
 * Full bias correction (NNCF's BiasCorrection): layer after layer in the order of computation. The shift of a layer's
 * output is measured on what reaches it through the layers before it, with quantized weights and corrected biases, and
 * taken off its bias. Quantizers of activations have no part in it. In between only the values in front of the next
 * layers are kept, so that each layer runs only what lies between them and it.
 *
 * As in NNCF, a value in front of a layer that several layers feed is stored again with each of them, before and after
 * the later ones are corrected; the layer is measured on the first stored ones.
 */
import { apply } from '../autograd/dispatch.js';
import { noGrad } from '../autograd/gradMode.js';
import { nextTurn } from '../data/eventLoop.js';
import type { Graph, GraphNode, GraphUse, GraphValue } from '../graph/graph.js';
import type { Backend } from '../kernels/contract.js';
import { allocateArray, type DType } from '../kernels/dtype.js';
import { fromValues } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import type { BiasedLayer } from './biasCorrection.js';
import { openvinoOrder } from './openvinoOrder.js';
import { channelMeans } from './statistics/channelMeans.js';
import type { Collector } from './statistics/collector.js';

/** Share of the calibration items that is used. */
const SHARE = 0.2;
/** Of float32; a bias of zero then has a relative change that is large but not infinite. */
const EPSILON = 2 ** -23;

/** How many calibration items are used of `subsetSize`. */
export const fullCorrectionSamples = (subsetSize: number): number => Math.max(Math.floor(subsetSize * SHARE), 1);

/** Keeps the values of the first samples. */
class RawCollector implements Collector {
  readonly tensors: Tensor[] = [];
  readonly #limit: number;
  readonly #dtype: DType;
  readonly #backend: Backend | undefined;

  constructor(dtype: DType, limit: number, backend: Backend | undefined) {
    this.#dtype = dtype;
    this.#limit = limit;
    this.#backend = backend;
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    if (this.tensors.length >= this.#limit) return;
    const copy = allocateArray(this.#dtype, values.length);
    for (let index = 0; index < values.length; index++) copy[index] = values[index];
    this.tensors.push(fromValues(copy, shape, this.#dtype, { backend: this.#backend }));
  }
}

/** What runs for a layer: which inputs of nodes are given stored values, and which values are stored. */
interface Section {
  readonly inputs: readonly GraphUse[];
  readonly outputs: readonly GraphValue[];
}

export class FullBiasCorrection {
  readonly #graph: Graph;
  /** Where the model's tensors are. */
  readonly #backend: Backend | undefined;
  readonly #order: ReadonlyMap<GraphNode, number>;
  readonly #layers: readonly BiasedLayer[];
  readonly #samples: number;
  readonly #uses: ReadonlyMap<GraphValue, readonly GraphUse[]>;
  readonly #byNode: ReadonlyMap<GraphNode, BiasedLayer>;
  /** The value stored for an input of a node. */
  readonly #stored = new Map<GraphNode, Map<number, GraphValue>>();
  readonly #raw = new Map<GraphValue, RawCollector>();

  /** @param samples How many calibration samples are used; the layers' collectors have the same limit. */
  constructor(graph: Graph, layers: readonly BiasedLayer[], samples: number) {
    const order = openvinoOrder(graph);
    this.#graph = graph;
    this.#backend = graph.nodes.find(({ isConstant }) => isConstant)?.constant.tensor.backend;
    this.#order = order;
    this.#layers = [...layers].sort((a, b) => (order.get(a.chain[0]) ?? 0) - (order.get(b.chain[0]) ?? 0));
    this.#samples = samples;
    this.#uses = graph.uses();
    this.#byNode = new Map(layers.map((layer) => [layer.chain[0], layer]));
    for (const node of this.#layersBehindInputs()) this.#store({ node, port: dataPort(this.#layerAt(node)) }, true);
    for (const input of graph.inputs) for (const use of this.#uses.get(input.outputs[0]) ?? []) this.#store(use, true);
  }

  /** Values that the correction starts from, and what collects them. */
  get collectors(): ReadonlyMap<GraphValue, Collector> {
    return this.#raw;
  }

  #layerAt(node: GraphNode): BiasedLayer {
    return this.#byNode.get(node) as BiasedLayer;
  }

  #store({ node, port }: GraphUse, raw: boolean): void {
    const value = node.inputs[port];
    const ports = this.#stored.get(node) ?? new Map<number, GraphValue>();
    ports.set(port, value);
    this.#stored.set(node, ports);
    if (raw && !this.#raw.has(value))
      this.#raw.set(value, new RawCollector(value.type.dtype, this.#samples, this.#backend));
  }

  readonly #position = (node: GraphNode): number => this.#order.get(node) ?? 0;

  /** Uses of a node's outputs. */
  #readers(node: GraphNode): GraphUse[] {
    return node.outputs.flatMap((value) => this.#uses.get(value) ?? []);
  }

  /** The first layers on the ways from some nodes, and the uses by which the ways come to them. */
  #nextLayers(nodes: readonly GraphNode[]): GraphUse[] {
    const found: GraphUse[] = [];
    const seen = new Set<GraphNode>();
    const queue = nodes.flatMap((node) => this.#readers(node));
    for (let use = queue.pop(); use; use = queue.pop()) {
      if (seen.has(use.node)) continue;
      seen.add(use.node);
      if (this.#byNode.has(use.node)) found.push(use);
      else queue.push(...this.#readers(use.node));
    }
    return found;
  }

  /** Layers that depend on the model's inputs through no other layer. */
  #layersBehindInputs(): GraphNode[] {
    const first = this.#nextLayers(this.#graph.inputs).map(({ node }) => node);
    const dependent = new Set(first.flatMap((node) => this.#nextLayers([node]).map((use) => use.node)));
    return first.filter((node) => !dependent.has(node));
  }

  #section(layer: BiasedLayer): Section {
    const next = this.#nextLayers([layer.chain[0]]);
    for (const use of next) this.#store(use, false);
    const outputs = [...new Set(next.map(({ node, port }) => node.inputs[port]))];
    const ends = outputs.length > 0 ? outputs.map(({ node }) => node) : [layer.chain[layer.chain.length - 1]];
    const inputs = new Map<string, GraphUse>();
    for (const end of ends) {
      const seen = new Set<GraphNode>();
      const queue = [end];
      for (let node = queue.pop(); node; node = queue.pop()) {
        for (const [port, value] of node.inputs.entries()) {
          const stored = this.#stored.get(node)?.get(port);
          if (stored && !outputs.includes(stored)) inputs.set(`${node.name} ${port}`, { node, port });
          else if (!seen.has(value.node)) {
            seen.add(value.node);
            queue.push(value.node);
          }
        }
      }
    }
    return { inputs: [...inputs.values()], outputs };
  }

  /**
   * New values for the biases, by the constant that holds them.
   * @param quantizeWeights Quantizes a weight constant's values.
   * @param threshold Largest relative change of a bias that is believed.
   */
  async correct(quantizeWeights: (weights: GraphNode) => Tensor, threshold: number): Promise<Map<GraphNode, Tensor>> {
    const constants = new Map<GraphNode, Tensor>();
    for (const { weights } of this.#layers) constants.set(weights, quantizeWeights(weights));
    const corrected = new Map<GraphNode, Tensor>();
    const sections = this.#layers.map((layer) => this.#section(layer));
    const values = new Map<GraphValue, Tensor[]>();
    const stored = ({ node, port }: GraphUse): GraphValue => this.#stored.get(node)?.get(port) ?? node.inputs[port];
    for (const [index, layer] of this.#layers.entries()) {
      const { inputs, outputs } = sections[index];
      const sources = inputs.map(stored);
      for (const value of sources)
        if (!values.has(value)) values.set(value, [...(this.#raw.get(value)?.tensors ?? [])]);
      const count = Math.min(this.#samples, ...sources.map((value) => values.get(value)?.length ?? 0));
      const run = (sample: number, wanted: readonly GraphValue[]): Tensor[] => {
        const given = new Map<GraphNode, Map<number, Tensor>>();
        inputs.forEach(({ node, port }, at) => {
          const ports = given.get(node) ?? new Map<number, Tensor>();
          given.set(node, ports.set(port, (values.get(sources[at]) as Tensor[])[sample]));
        });
        return this.#run(wanted, given, constants);
      };
      const bias = await this.#correctLayer(layer, count, run, threshold);
      if (bias) {
        constants.set(layer.bias, bias);
        corrected.set(layer.bias, bias);
      }
      for (let sample = 0; sample < count; sample++) {
        run(sample, outputs).forEach((tensor, at) => {
          values.set(outputs[at], [...(values.get(outputs[at]) ?? []), tensor]);
        });
        // Memory of values that nothing uses any more comes back only between turns of the event loop.
        await nextTurn();
      }
      const needed = new Set(sections.slice(index + 1).flatMap((section) => section.inputs.map(stored)));
      for (const value of sources) if (!needed.has(value)) values.set(value, []);
    }
    return corrected;
  }

  async #correctLayer(
    layer: BiasedLayer,
    count: number,
    run: (sample: number, wanted: readonly GraphValue[]) => Tensor[],
    threshold: number,
  ): Promise<Tensor | null> {
    const expected = layer.output.result();
    if (!expected || count === 0) return null;
    const means = new Float64Array(expected.length);
    const axis = layer.chain[0].type === 'MatMul' ? -1 : 1;
    for (let sample = 0; sample < count; sample++) {
      const [output] = run(sample, [layer.outputValue]);
      channelMeans(await output.data(), output.shape, axis).forEach((mean, channel) => {
        means[channel] += mean / count;
      });
      await nextTurn();
    }
    const { tensor } = layer.bias.constant;
    const bias = await tensor.data();
    if (bias.length !== means.length) return null;
    const effective = await effectiveBias(layer, bias);
    const updated = allocateArray(tensor.dtype, bias.length);
    let magnitude = 0;
    for (let channel = 0; channel < bias.length; channel++) {
      const shift = expected[channel] - means[channel];
      updated[channel] = bias[channel] + shift;
      magnitude = Math.max(magnitude, Math.abs(shift / (effective[channel] + EPSILON)));
    }
    return magnitude < threshold ? fromValues(updated, tensor.shape, tensor.dtype, { backend: tensor.backend }) : null;
  }

  /** Computes values from given ones, in evaluation mode. */
  #run(
    wanted: readonly GraphValue[],
    given: ReadonlyMap<GraphNode, ReadonlyMap<number, Tensor>>,
    constants: ReadonlyMap<GraphNode, Tensor>,
  ): Tensor[] {
    const needed = new Set<GraphNode>();
    const queue = wanted.map(({ node }) => node);
    for (let node = queue.pop(); node; node = queue.pop()) {
      if (needed.has(node)) continue;
      needed.add(node);
      const ports = given.get(node);
      queue.push(...node.inputs.filter((_, port) => !ports?.has(port)).map((value) => value.node));
    }
    const values = new Map<GraphValue, Tensor>();
    const resultOf = (value: GraphValue): Tensor => values.get(value) as Tensor;
    noGrad(() => {
      for (const node of [...needed].sort((a, b) => this.#position(a) - this.#position(b))) {
        const ports = given.get(node);
        const outputs = node.isConstant
          ? [constants.get(node) ?? node.constant.tensor]
          : apply(
              node.definition,
              node.inputs.map((value, port) => ports?.get(port) ?? resultOf(value)),
              node.attributes,
            );
        node.outputs.forEach((value, index) => {
          values.set(value, outputs[index]);
        });
      }
    });
    return wanted.map(resultOf);
  }
}

const dataPort = ({ weightPort }: BiasedLayer): number => (weightPort === 0 ? 1 : 0);

/** The bias that a layer has once its batch normalization is part of it, as it is in OpenVINO. */
async function effectiveBias({ chain, inner }: BiasedLayer, bias: ArrayLike<number>): Promise<ArrayLike<number>> {
  const normalization = chain.find(({ type }) => type === 'BatchNormInference');
  if (!normalization) return bias;
  const constantAt = async (port: number): Promise<ArrayLike<number> | null> => {
    const { node } = normalization.inputs[port];
    return node.isConstant ? node.constant.tensor.data() : null;
  };
  const [gamma, mean, variance] = [await constantAt(1), await constantAt(3), await constantAt(4)];
  if (!gamma || !mean || !variance) return bias;
  const { epsilon } = normalization.attributes as { readonly epsilon: number };
  const own = inner ? await inner.bias.constant.tensor.data() : null;
  return Array.from(
    bias,
    (beta, channel) =>
      beta + (((own?.[channel] ?? 0) - mean[channel]) * gamma[channel]) / Math.sqrt(variance[channel] + epsilon),
  );
}
