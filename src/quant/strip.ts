/**
 * strip(): a quantized model without what only training needs (NNCF's `strip`). The weights become the values that
 * their quantizers gave them, so that whatever reads the model's weights sees what is deployed.
 */
import { applyOne } from '../autograd/dispatch.js';
import { noGrad } from '../autograd/gradMode.js';
import { ValidationError } from '../errors.js';
import { constantNode, type Graph, GraphNode, type GraphValue } from '../graph/graph.js';
import { copyGraph } from '../graph/graphModule.js';
import type { Module } from '../nn/module.js';
import { Buffer, Parameter } from '../nn/parameter.js';
import { NO_ATTRIBUTES } from '../ops/checks.js';
import { CONVERT } from '../ops/elementwise/convert.js';
import { MULTIPLY } from '../ops/elementwise/multiply.js';
import { SUBTRACT } from '../ops/elementwise/subtract.js';
import { checkOptions } from '../options.js';
import { fromValues } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { QuantizedModel } from './quantizedModel.js';
import { isQuantizer, Quantizer } from './quantizer.js';
import { quantizerGrid } from './quantizerGrid.js';
import { adoptParameters, removeQuantizers, replaceValue } from './quantizerRemoval.js';
import { checkFinite, weightCodes } from './weightCodes.js';

/**
 * - `native` (default): weights hold their fake-quantized values; all quantizers stay, and their ranges no longer train.
 * - `inPlace`: weights hold their fake-quantized values and have no quantizer any more. Such a model exports float
 *   weights, which lie on the grid.
 * - `dq`: weights are 8-bit codes that are dequantized when the model runs, a quarter of the memory.
 */
export type StripFormat = 'native' | 'inPlace' | 'dq';

export interface StripOptions {
  /** Default: `native`. */
  stripFormat?: StripFormat;
  /** Strip a copy and leave the model as it is. Default: true. */
  doCopy?: boolean;
}

/**
 * Strips a quantized model. Quantizers of activations stay, quantizers that are switched off go. `native` and `dq`
 * export the same integer codes as the model itself.
 * @returns A copy, or with `doCopy: false` the given model, changed.
 * @throws ValidationError for weights or ranges that are not finite, and for options that make no sense.
 */
export async function strip<M extends Module>(
  model: QuantizedModel<M>,
  options: StripOptions = {},
): Promise<QuantizedModel<M>> {
  checkOptions('strip', options, ['stripFormat', 'doCopy']);
  const { stripFormat = 'native', doCopy = true } = options;
  if (!['native', 'inPlace', 'dq'].includes(stripFormat)) {
    throw new ValidationError(
      'INVALID_OPTION',
      `strip: stripFormat is '${String(stripFormat)}', but must be one of 'native', 'inPlace', 'dq'.`,
      { option: 'stripFormat' },
    );
  }
  if (typeof doCopy !== 'boolean')
    throw new ValidationError('INVALID_OPTION', `strip: doCopy must be true or false, not ${String(doCopy)}.`, {
      option: 'doCopy',
    });
  if (!(model instanceof QuantizedModel))
    throw new ValidationError('NOT_QUANTIZED', 'strip: the model is not a QuantizedModel; only those have quantizers.');
  const { graph } = model;
  await checkValues(graph);
  if (!doCopy) {
    await stripGraph(graph, stripFormat);
    return model;
  }
  const stripped = new QuantizedModel<M>(copyGraph(graph), model.structure, model.record).train(model.training);
  stripped.planned = model.planned;
  stripped.rangeGuard = model.rangeGuard;
  await stripGraph(stripped.graph, stripFormat);
  return stripped;
}

const enabledWeightQuantizers = (graph: Graph): GraphNode[] =>
  graph.nodes.filter((node) => {
    if (!isQuantizer(node)) return false;
    const { enabled, spec } = new Quantizer(node);
    return enabled && spec.kind === 'weights';
  });

/** Checks everything before anything changes. */
async function checkValues(graph: Graph): Promise<void> {
  for (const node of graph.nodes.filter(isQuantizer)) {
    const quantizer = new Quantizer(node);
    if (!quantizer.enabled) continue;
    await quantizerGrid(quantizer);
    const [{ node: source }] = node.inputs;
    if (quantizer.spec.kind === 'weights') checkFinite(quantizer, await source.constant.tensor.data());
  }
}

async function stripGraph(graph: Graph, format: StripFormat): Promise<void> {
  removeQuantizers(
    graph,
    graph.nodes.filter((node) => isQuantizer(node) && !new Quantizer(node).enabled),
  );
  for (const node of graph.nodes.filter(isQuantizer)) new Quantizer(node).disableGradients();
  for (const node of enabledWeightQuantizers(graph)) {
    if (format === 'dq') await replaceByCodes(graph, node);
    else bake(graph, node, format);
  }
  graph.sort();
  adoptParameters(graph);
}

const fakeQuantized = (node: GraphNode): Tensor =>
  noGrad(() =>
    applyOne(
      node.definition,
      node.inputs.map((value) => value.node.constant.tensor),
      node.attributes,
    ),
  ).detach();

/** Whether anything but the quantizer reads the weights, such as a layer that shares them and is not quantized. */
const isReadElsewhere = (graph: Graph, value: GraphValue, quantizer: GraphNode): boolean =>
  graph.outputs.some((output) => output.value === value) ||
  graph.nodes.some((node) => node !== quantizer && node.inputs.includes(value));

function bake(graph: Graph, node: GraphNode, format: 'native' | 'inPlace'): void {
  const [weights] = node.inputs;
  const values = fakeQuantized(node);
  const shared = isReadElsewhere(graph, weights, node);
  if (format === 'native') {
    // Other layers read these weights in float, and the quantizer gives the same values either way.
    if (!shared) noGrad(() => weights.node.constant.tensor.assign_(values));
    return;
  }
  if (shared) {
    const path = `${weights.node.constant.path || weights.node.name}.quantized`;
    const constant = constantNode(path, new Parameter(values, false), path, weights.node.scope);
    graph.nodes.push(constant);
    replaceValue(graph, node.outputs[0], constant.outputs[0]);
    return;
  }
  const { tensor } = weights.node.constant;
  noGrad(() => tensor.assign_(values));
  if (tensor.isLeaf) tensor.requiresGrad = false;
  replaceValue(graph, node.outputs[0], weights);
}

/** Codes, and the operations that turn them into float, under the names that they have in a file. */
async function replaceByCodes(graph: Graph, node: GraphNode): Promise<void> {
  const quantizer = new Quantizer(node);
  const [weights] = node.inputs;
  const { tensor, path } = weights.node.constant;
  const { codes, zeroPoint, scale, shape } = await weightCodes(quantizer, tensor);
  const dtype = codes instanceof Int8Array ? 'int8' : 'uint8';
  const { backend } = tensor;
  const shared = isReadElsewhere(graph, weights, node);
  const own = path || weights.node.name;
  const constant = (name: string, statePath: string, values: Tensor): GraphValue => {
    const made = constantNode(name, new Buffer(values), statePath, node.scope);
    graph.nodes.push(made);
    return made.outputs[0];
  };
  const operation = (
    name: string,
    definition: GraphNode['definition'],
    inputs: GraphValue[],
    attributes: unknown,
  ): GraphValue => {
    const types = definition.infer(
      inputs.map(({ type }) => type),
      attributes,
    );
    const made = new GraphNode(name, definition, attributes, inputs, types, node.scope);
    graph.nodes.push(made);
    return made.outputs[0];
  };
  const toFloat = (name: string, value: GraphValue): GraphValue =>
    operation(name, CONVERT as GraphNode['definition'], [value], { dtype: 'float32' });
  const codesName = shared ? `${weights.node.name}.codes` : weights.node.name;
  const codesPath = shared ? `${own}.codes` : own;
  const { name } = node;
  let value = toFloat(
    `${name}/convert`,
    constant(codesName, codesPath, fromValues(codes, tensor.shape, dtype, { backend })),
  );
  if (zeroPoint) {
    const zero = constant(`${name}/zero_point`, `${own}.zeroPoint`, fromValues(zeroPoint, shape, 'uint8', { backend }));
    const shift = [value, toFloat(`${name}/zero_point/convert`, zero)];
    value = operation(`${name}/subtract`, SUBTRACT as GraphNode['definition'], shift, NO_ATTRIBUTES);
  }
  const factor = constant(`${name}/scale`, `${own}.scale`, fromValues(scale, shape, 'float32', { backend }));
  const result = operation(name, MULTIPLY as GraphNode['definition'], [value, factor], NO_ATTRIBUTES);
  replaceValue(graph, node.outputs[0], result);
}
