/**
 * The configuration of a quantized model: everything but its values, as plain JSON. With a fresh float
 * model it rebuilds the quantized one, whose values then come from a state dictionary (NNCF's `get_config`
 * and `load_from_config`).
 */
import { ValidationError } from '../errors.js';
import type { Graph, GraphNode } from '../graph/graph.js';
import { copyGraph } from '../graph/graphModule.js';
import { trace } from '../graph/trace.js';
import type { DType } from '../kernels/dtype.js';
import type { Module } from '../nn/module.js';
import type { RangeGradient } from '../ops/quantization/quantizeDequantize.js';
import { ones } from '../tensor/create.js';
import { formatShape } from '../tensor/shape.js';
import { checkConfig } from './configCheck.js';
import { QuantizedModel } from './quantizedModel.js';
import {
  insertQuantizers,
  isQuantizer,
  type Quantizer,
  type QuantizerInsertion,
  type QuantizerTarget,
  quantizerName,
  weightsOf,
} from './quantizer.js';
import type { QuantizationRecord } from './record.js';
import { insertSmoothing, type SmoothedPlace, smoothedPlaces } from './smoothQuant.js';
import type { QuantizerSpec } from './spec.js';

/** The version of the format that this library writes, and the newest it reads. */
export const CONFIG_VERSION = 2;

export interface QuantizerEntry {
  readonly target: QuantizerTarget;
  readonly spec: QuantizerSpec;
  readonly enabled: boolean;
  /** Shape of each parameter. */
  readonly shape: readonly number[];
  /** Name of the quantizer whose parameters this one uses, if not its own. */
  readonly shares?: string;
  /** How the gradients of the range are computed. Absent: `nncf`. */
  readonly rangeGradient?: RangeGradient;
}

export interface QuantizationConfig {
  readonly version: number;
  /** What `forward` takes. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: DType }[];
  readonly record: QuantizationRecord;
  readonly quantizers: readonly QuantizerEntry[];
  /** Where SmoothQuant divides activations. Absent: nowhere. Since version 2. */
  readonly smoothed?: readonly SmoothedPlace[];
}

/** The configuration of a quantized model, ready for `JSON.stringify`. */
export function getConfig(model: QuantizedModel): QuantizationConfig {
  const { quantizers } = model;
  const isOwner = (quantizer: Quantizer): boolean => quantizer.owner === quantizer.name;
  // Those that share come last, so that what they share is there when they are read.
  const ordered = [...quantizers.filter(isOwner), ...quantizers.filter((quantizer) => !isOwner(quantizer))];
  const smoothed = smoothedPlaces(model.graph, isQuantizer);
  return {
    // What is the same in both versions is written as the first, which older libraries read.
    version: smoothed.length > 0 ? CONFIG_VERSION : 1,
    inputs: model.graph.inputs.map((node) => ({
      name: node.name,
      shape: [...node.outputs[0].type.shape],
      dtype: node.outputs[0].type.dtype,
    })),
    record: model.record,
    quantizers: ordered.map((quantizer) => ({
      target: quantizer.target,
      spec: quantizer.spec,
      enabled: quantizer.enabled,
      shape: [...quantizer.parameters[0].shape],
      ...(isOwner(quantizer) ? {} : { shares: quantizer.owner }),
      ...(quantizer.rangeGradient === 'nncf' ? {} : { rangeGradient: quantizer.rangeGradient }),
    })),
    ...(smoothed.length > 0 ? { smoothed } : {}),
  };
}

/**
 * Rebuilds a quantized model on a float model of the same structure. Ranges are 1 until `loadStateDict`.
 * The given model is not changed.
 * @throws ValidationError if the model does not have the operations that the configuration names.
 */
export function loadFromConfig<M extends Module>(model: M, config: QuantizationConfig): QuantizedModel<M> {
  checkConfig(config, CONFIG_VERSION);
  const traced = trace(model, config.inputs, {
    dynamicBatch: false,
    inputNames: config.inputs.map(({ name }) => name),
  });
  const graph = copyGraph(traced.graph);
  for (const place of config.smoothed ?? []) {
    const find = (name: string): GraphNode | undefined => graph.nodes.find((node) => node.name === name);
    checkTarget(find(place.source.node), { point: 'output', ...place.source });
    for (const reader of place.readers) checkTarget(find(reader.node), { point: 'input', ...reader });
    insertSmoothing(graph, place, ones(place.shape));
  }
  if (config.smoothed) graph.sort();
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const insertions = config.quantizers.map((entry): QuantizerInsertion => {
    const { target, spec, shape, shares } = entry;
    checkTarget(target.point === 'result' ? resultNode(graph, target) : nodes.get(target.node), target);
    const parameters = (spec.mode === 'symmetric' ? ['scale'] : ['inputLow', 'inputRange']).map(() => ones(shape));
    return { target, spec, parameters, shares };
  });
  insertQuantizers(graph, insertions);
  for (const node of graph.nodes.filter(isQuantizer)) checkQuantizer(node);
  const quantized = new QuantizedModel<M>(graph, traced.structure, config.record).train(model.training);
  applySwitches(quantized, config);
  return quantized;
}

/** Gives the quantizers of a model what a configuration says besides their structure: on or off, and the gradients' rule. */
export function applySwitches(model: QuantizedModel, config: QuantizationConfig): void {
  const byName = new Map(model.namedQuantizers());
  for (const { enabled, target, rangeGradient = 'nncf' } of config.quantizers) {
    const quantizer = byName.get(quantizerName(target));
    if (!quantizer) continue;
    if (enabled) quantizer.enable();
    else quantizer.disable();
    quantizer.rangeGradient = rangeGradient;
  }
}

/** Whether two configurations have the same quantizers, apart from what `applySwitches` sets. */
export function sameQuantizers(a: QuantizationConfig, b: QuantizationConfig): boolean {
  const identity = ({ quantizers }: QuantizationConfig): string =>
    JSON.stringify(quantizers.map(({ rangeGradient: _, ...quantizer }) => ({ ...quantizer, enabled: true })));
  return identity(a) === identity(b);
}

const mismatch = (what: string, node: string, cause?: unknown): ValidationError =>
  new ValidationError(
    'CONFIG_MODEL_MISMATCH',
    `The quantization configuration names ${what}. Use the model it was made from.`,
    { node },
    cause,
  );

/** The node that computes a result of the graph. */
const resultNode = (graph: Graph, { node }: QuantizerTarget): GraphNode | undefined =>
  graph.outputs.find(({ name }) => name === node)?.value.node;

/** Checks that the model has the place of a quantizer. */
function checkTarget(node: GraphNode | undefined, { point, node: name, port }: QuantizerTarget): void {
  if (!node) throw mismatch(`the operation '${name}', which this model does not have`, name);
  const there = point === 'output' || point === 'result' ? node.outputs[port] : node.inputs[port];
  if (!there || (point === 'weights' && !weightsOf(node, port))) {
    const kind = point === 'weights' ? `constant weights at input ${port}` : `the ${point} ${port}`;
    throw mismatch(`${kind} of '${name}' (${node.type}), which this model does not have`, name);
  }
}

/** Checks that the parameters of a quantizer fit the value that it quantizes. */
function checkQuantizer(node: GraphNode): void {
  try {
    node.definition.infer(
      node.inputs.map(({ type }) => type),
      node.attributes as never,
    );
  } catch (error) {
    const types = node.inputs.map(({ type }) => formatShape(type.shape));
    throw mismatch(
      `the quantizer '${node.name}' with parameters of shape ${types[1]} for a value of shape ${types[0]}`,
      node.name,
      error,
    );
  }
}
