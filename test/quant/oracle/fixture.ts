/** What NNCF did (fixtures/placements.json), in terms of this library: names of graph nodes, quantizers, parameters. */
import { readFileSync } from 'node:fs';
import { decodeSafetensors } from '../../../src/checkpoint/safetensors.js';
import type { Graph, GraphNode } from '../../../src/graph/graph.js';
import type { Module } from '../../../src/nn/module.js';
import { fromValues } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

export interface ReferenceQuantizer {
  /** `pre:OP__PORT` or `post:OP__PORT`; several that share one quantizer. */
  readonly hooks: readonly string[];
  readonly mode: 'symmetric' | 'asymmetric';
  readonly narrow: boolean;
  readonly shape: readonly number[];
  /** Absent: 8. */
  readonly bits?: number;
  readonly signed?: boolean;
  /** `scale`, or `input_low` and `input_range`. */
  readonly values?: readonly (readonly number[])[];
}

export interface Reference {
  readonly quantizers: readonly ReferenceQuantizer[];
  /** Biases after correction, where it changed them. */
  readonly corrected: Readonly<Record<string, readonly number[]>>;
}

export type Preset = 'performance' | 'mixed';

interface Placements {
  readonly nets: Readonly<Record<string, { readonly inputs: readonly string[] } & Readonly<Record<Preset, Reference>>>>;
  readonly large: Readonly<Record<string, Readonly<Record<Preset, Reference>>>>;
}

const folder = new URL('./fixtures/', import.meta.url);
export const PLACEMENTS = JSON.parse(readFileSync(new URL('placements.json', folder), 'utf8')) as Placements;
export type Tensors = ReturnType<typeof decodeSafetensors>['tensors'];

/** The tensors of a file of the fixtures. */
export const readTensors = (name: string): Tensors => decodeSafetensors(readFileSync(new URL(name, folder))).tensors;

const PLACEMENT_TENSORS = readTensors('weights.safetensors');

/** The weights of a network, as PyTorch names them. */
export function weightsOf(name: string, tensors: Tensors = PLACEMENT_TENSORS): Map<string, Tensor> {
  const entries = [...tensors].filter(([key]) => key.startsWith(`${name}.`));
  return new Map(
    entries.map(([key, { data, shape, dtype }]) => [key.slice(name.length + 1), fromValues(data, shape, dtype)]),
  );
}

/** The calibration items of a network with inputs of these kinds: the second input of a kind gets the samples in another order. */
export function calibrationOf(inputs: readonly string[], tensors: Tensors = PLACEMENT_TENSORS): Tensor[][] {
  const samples = inputs.map((kind) => {
    const host = tensors.get(`data.${kind}`);
    if (!host) throw new Error(`The fixture has no data '${kind}'.`);
    const [count, ...shape] = host.shape;
    const size = host.data.length / count;
    return Array.from({ length: count }, (_, index) =>
      fromValues(host.data.slice(index * size, (index + 1) * size), shape, host.dtype),
    );
  });
  return samples[0].map((_, index) => samples.map((list, position) => list[(index + 2 * position) % list.length]));
}

/** Loads PyTorch's weights; what PyTorch lists twice (tied weights) or leaves out (counters) is fine. */
export function loadWeights(model: Module, name: string, tensors: Tensors = PLACEMENT_TENSORS): void {
  const { missing } = model.loadStateDict(weightsOf(name, tensors), { strict: false });
  const lacking = missing.filter((key) => !key.endsWith('numBatchesTracked'));
  if (lacking.length > 0) throw new Error(`${name}: the fixture lacks ${lacking.join(', ')}.`);
}

/** This library's operations by PyTorch's names of functions. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  conv2d: ['Convolution', 'GroupConvolution'],
  conv_transpose2d: ['ConvolutionBackpropData', 'GroupConvolutionBackpropData'],
  linear: ['MatMul'],
  matmul: ['MatMul'],
  batch_norm: ['BatchNormInference'],
  layer_norm: ['MVN'],
  relu: ['ReLU'],
  hardtanh: ['Clamp'],
  leaky_relu: ['PReLU'],
  prelu: ['PReLU'],
  elu: ['Elu'],
  silu: ['Swish'],
  gelu: ['Gelu'],
  sigmoid: ['Sigmoid'],
  tanh: ['Tanh'],
  hardswish: ['HSwish'],
  softmax: ['SoftMax', 'Softmax'],
  add: ['Add'],
  sub: ['Subtract'],
  mul: ['Multiply'],
  div: ['Divide'],
  truediv: ['Divide'],
  max: ['Maximum'],
  min: ['Minimum'],
  pow: ['Power'],
  sqrt: ['Sqrt'],
  abs: ['Abs'],
  max_pool2d: ['MaxPool'],
  avg_pool2d: ['AvgPool'],
  adaptive_avg_pool2d: ['ReduceMean', 'AdaptiveAvgPool'],
  mean: ['ReduceMean'],
  sum: ['ReduceSum'],
  amax: ['ReduceMax'],
  cat: ['Concat'],
  chunk: ['VariadicSplit'],
  split: ['VariadicSplit'],
  interpolate: ['Interpolate'],
  flatten: ['Reshape'],
  reshape: ['Reshape'],
  permute: ['Transpose'],
  transpose: ['Transpose'],
  pad: ['Pad'],
  embedding: ['Gather'],
  getitem: ['Slice'],
};

/** Operations that PyTorch runs as part of a layer: added biases, and the affine part of a layer normalization. */
function tail(graph: Graph, node: GraphNode): GraphNode {
  const users = graph.nodes.filter((user) => user.inputs.some((value) => value.node === node));
  const [only] = users;
  const part =
    users.length === 1 && node.scope !== '' && only.scope === node.scope && ['Add', 'Multiply'].includes(only.type);
  return part ? tail(graph, only) : node;
}

/** The node of `graph` that is PyTorch's operation `path/function/count`, or the input of this name. */
function nodeOf(graph: Graph, operation: string): GraphNode {
  const input = graph.inputs[['x', 'y'].indexOf(operation)];
  if (input) return input;
  const parts = operation.split('/').filter((part) => part !== '');
  const count = Number(parts.pop());
  const name = (parts.pop() ?? '').replace(/^__i?|__$/g, '');
  const scope = parts.join('/');
  const found = graph.nodes.filter((node) => node.scope === scope && (TYPES[name] ?? [name]).includes(node.type))[
    count
  ];
  if (!found)
    throw new Error(
      `The graph has no ${operation}; it has ${graph.nodes.filter((node) => !node.isConstant).map((node) => node.name)}.`,
    );
  return found;
}

/** The name of the multiplication in front of the weighted operation of a layer. */
function smoothedName(graph: Graph, scope: string): string {
  const layer = graph.nodes.find((node) => node.scope === scope && ['MatMul', 'Convolution'].includes(node.type));
  if (!layer) throw new Error(`The graph has no layer ${scope}.`);
  return `${layer.inputs[0].node.name}_0_0/nncf_smooth_quant`;
}

/** The name that this library gives a quantizer at NNCF's hook. */
export function placeOf(graph: Graph, hook: string): string {
  const [, kind, operation, port] = hook.match(/^(pre|post):(.*)__(\d+)$/) ?? [];
  if (!kind) throw new Error(`'${hook}' is no hook.`);
  const smoothed = operation.match(/^(.*)\/pre_hook__.*\/mul\/0$/);
  if (smoothed) return `${smoothedName(graph, smoothed[1])}/fq_output_0`;
  const node = nodeOf(graph, operation);
  if (kind === 'post') return node.isConstant ? node.name : `${tail(graph, node).name}/fq_output_${port}`;
  // PyTorch's embedding takes the indices first, Gather the table.
  return `${node.name}/fq_${node.type === 'Gather' ? 1 - Number(port) : port}`;
}
