/** Quantizers as nodes of a graph: inserting them, and the handle by which a user looks at one. */
import type { OperationDefinition } from '../autograd/operation.js';
import { ValidationError } from '../errors.js';
import {
  type ConstantAttributes,
  constantNode,
  type Graph,
  GraphNode,
  type GraphUse,
  type GraphValue,
} from '../graph/graph.js';
import { Parameter } from '../nn/parameter.js';
import {
  ASYMMETRIC_FAKE_QUANTIZE,
  asymmetricCodes,
  asymmetricRange,
} from '../ops/quantization/asymmetricFakeQuantize.js';
import type { CodeRange, RangeGradient } from '../ops/quantization/quantizeDequantize.js';
import { SYMMETRIC_FAKE_QUANTIZE, symmetricCodes, symmetricRange } from '../ops/quantization/symmetricFakeQuantize.js';
import type { Tensor } from '../tensor/tensor.js';
import { codeRange, type QuantizerSpec } from './spec.js';

/** Where a quantizer stands: on an input of a node, a node's output, a constant that holds weights, or a result of the graph. */
export interface QuantizerTarget {
  readonly point: 'input' | 'output' | 'weights' | 'result';
  /** Name of the node; for weights, of the operation that uses them; for a result, its name. */
  readonly node: string;
  /** Number of the input or output. */
  readonly port: number;
  /** For weights that other nodes read in float: the nodes that read the quantized ones. Absent: all do. */
  readonly readers?: readonly string[];
  /** For an output: whether results of the graph are the quantized value too. Default: they stay in float. */
  readonly results?: boolean;
}

/** Attributes of a quantizer node: how to compute it, and what it is. */
export interface QuantizerAttributes extends CodeRange, QuantizerSpec {
  readonly enabled: boolean;
  readonly target: QuantizerTarget;
  /** Absent: `nncf`. */
  readonly rangeGradient?: RangeGradient;
}

const PARAMETER_PREFIX = 'quantizers.';

/** NNCF's names for the places. */
export const quantizerName = ({ point, node, port }: QuantizerTarget): string => `${node}/fq_${point}_${port}`;

const DEFINITIONS = new Set<OperationDefinition>([SYMMETRIC_FAKE_QUANTIZE, ASYMMETRIC_FAKE_QUANTIZE]);

export const isQuantizer = (node: GraphNode): boolean => DEFINITIONS.has(node.definition);

/** A quantizer of a quantized model. */
export class Quantizer {
  readonly #node: GraphNode;

  constructor(node: GraphNode) {
    if (!isQuantizer(node))
      throw new ValidationError('NOT_A_QUANTIZER', `The node '${node.name}' (${node.type}) is not a quantizer.`);
    this.#node = node;
  }

  /** Such as `conv1/Convolution/fq_weights_1`. */
  get name(): string {
    return this.#node.name;
  }

  get spec(): QuantizerSpec {
    const { kind, mode, bits, signed, perChannel, narrowRange } = this.attributes;
    return { kind, mode, bits, signed, perChannel, narrowRange };
  }

  get target(): QuantizerTarget {
    return this.attributes.target;
  }

  get codes(): CodeRange {
    const { levelLow, levelHigh } = this.attributes;
    return { levelLow, levelHigh };
  }

  get attributes(): QuantizerAttributes {
    return this.#node.attributes as QuantizerAttributes;
  }

  /** How the gradients of its range are computed: NNCF's rule, or the exact derivative (docs/quantization.md). */
  get rangeGradient(): RangeGradient {
    return this.attributes.rangeGradient ?? 'nncf';
  }

  set rangeGradient(rule: RangeGradient) {
    checkRangeGradient(`quantizer '${this.name}'`, rule);
    const { rangeGradient: _, ...others } = this.attributes;
    this.#node.attributes = rule === 'nncf' ? others : { ...others, rangeGradient: rule };
  }

  /** Whether it quantizes; one that is off lets its input through. */
  get enabled(): boolean {
    return this.attributes.enabled;
  }

  enable(): void {
    this.#node.attributes = { ...this.attributes, enabled: true };
  }

  disable(): void {
    this.#node.attributes = { ...this.attributes, enabled: false };
  }

  /** `scale`, or `inputLow` and `inputRange`. */
  get parameters(): Parameter[] {
    return this.#node.inputs.slice(1).map(({ node }) => node.constant.tensor as Parameter);
  }

  /** The quantizer after which the parameters are named: this one, or the one whose scale it shares. */
  get owner(): string {
    const { path } = this.#node.inputs[1].node.constant;
    return path.slice(PARAMETER_PREFIX.length, path.lastIndexOf('.'));
  }

  /** Switches training of the range on or off. Quantizers that share a scale (at a concat) are switched together. */
  requiresGrad_(mode = true): void {
    for (const parameter of this.parameters) parameter.requiresGrad = mode;
  }

  /** Lets training move the range (NNCF's `enable_gradients`). */
  enableGradients(): void {
    this.requiresGrad_();
  }

  /** Keeps the range as it is; weights and activations still train through the quantizer (NNCF's `disable_gradients`). */
  disableGradients(): void {
    this.requiresGrad_(false);
  }

  /** Lower end and width of the grid, as the forward pass computes them. */
  range(): { low: Tensor; range: Tensor } {
    const [first, second] = this.parameters;
    return this.spec.mode === 'symmetric'
      ? symmetricRange(first, this.codes)
      : asymmetricRange(first, second, this.codes);
  }

  /** The integer codes of x, counted from the value zero, by the rounding that training's forward uses. */
  quantize(x: Tensor): Tensor {
    const [first, second] = this.parameters;
    return this.spec.mode === 'symmetric'
      ? symmetricCodes(x, first, this.codes)
      : asymmetricCodes(x, first, second, this.codes);
  }
}

/** @throws ValidationError `INVALID_OPTION` */
function checkRangeGradient(where: string, rule: unknown): asserts rule is RangeGradient {
  if (rule === 'nncf' || rule === 'exact') return;
  throw new ValidationError(
    'INVALID_OPTION',
    `${where}: rangeGradient is '${String(rule)}', but must be 'nncf' or 'exact'.`,
    { option: 'rangeGradient' },
  );
}

/** A quantizer to be inserted. */
export interface QuantizerInsertion {
  readonly target: QuantizerTarget;
  readonly spec: QuantizerSpec;
  /** `scale`, or `inputLow` and `inputRange`, shaped as they broadcast to the value. */
  readonly parameters: readonly Tensor[];
  /** Names of the parameters of another quantizer in the list that this one shares (one scale for several places). */
  readonly shares?: string;
}

const parameterNames = (spec: QuantizerSpec): string[] =>
  spec.mode === 'symmetric' ? ['scale'] : ['inputLow', 'inputRange'];

/** Names the parameters of a quantizer after it, with whomever it shares them. */
export function renameParameters(node: GraphNode): void {
  node.inputs.slice(1).forEach(({ node: constant }) => {
    const { tensor, path } = constant.constant;
    const renamed = `${PARAMETER_PREFIX}${node.name}${path.slice(path.lastIndexOf('.'))}`;
    constant.attributes = { tensor, path: renamed } satisfies ConstantAttributes;
    constant.name = renamed;
  });
}

/** The constant behind an input that holds weights, past reshapes of it. */
export function weightsOf(node: GraphNode, port: number): GraphNode | null {
  let source = node.inputs[port]?.node;
  while (source?.type === 'Reshape') source = source.inputs[0].node;
  return source?.isConstant ? source : null;
}

/** Inserts quantizers into a graph, in place. */
export function insertQuantizers(graph: Graph, insertions: readonly QuantizerInsertion[]): void {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const uses = graph.uses();
  const created = new Map<string, GraphNode[]>();
  for (const insertion of insertions) {
    const { target, spec } = insertion;
    const anchor = anchorOf(graph, byName, target);
    const name = quantizerName(target);
    const shared = created.get(insertion.shares ?? '');
    const constants =
      shared ??
      parameterNames(spec).map((parameter, index) => {
        const path = `${PARAMETER_PREFIX}${name}.${parameter}`;
        return constantNode(path, new Parameter(insertion.parameters[index]), path);
      });
    created.set(name, constants);
    const value = quantizedValue(anchor, target);
    const attributes: QuantizerAttributes = { ...codeRange(spec), ...spec, enabled: true, target };
    const definition = spec.mode === 'symmetric' ? SYMMETRIC_FAKE_QUANTIZE : ASYMMETRIC_FAKE_QUANTIZE;
    const node = new GraphNode(
      name,
      definition,
      attributes,
      [value, ...constants.map(({ outputs }) => outputs[0])],
      [value.type],
      anchor.scope,
    );
    redirect(uses, value, node, target);
    for (const output of graph.outputs) {
      const chosen = target.point === 'result' ? output.name === target.node : target.results === true;
      if (chosen && output.value === value) output.value = node.outputs[0];
    }
    graph.nodes.push(...(shared ? [] : constants), node);
  }
  graph.sort();
}

/** The node at which a quantizer stands; for a result, the node that computes it. */
function anchorOf(graph: Graph, byName: ReadonlyMap<string, GraphNode>, { point, node }: QuantizerTarget): GraphNode {
  const anchor = point === 'result' ? graph.outputs.find(({ name }) => name === node)?.value.node : byName.get(node);
  if (anchor) return anchor;
  throw new ValidationError(
    'UNKNOWN_NODE',
    `The quantizer configuration names the ${point === 'result' ? 'result' : 'node'} '${node}', which this model does not have.`,
    { node },
  );
}

function quantizedValue(anchor: GraphNode, { point, port, node }: QuantizerTarget): GraphValue {
  if (point === 'output' || point === 'result') return anchor.outputs[port];
  if (point === 'input') return anchor.inputs[port];
  const weights = weightsOf(anchor, port);
  if (!weights) throw new ValidationError('NO_WEIGHTS', `Input ${port} of '${node}' does not hold constant weights.`);
  return weights.outputs[0];
}

/** Lets the uses of a value that the target is about read the quantizer instead. */
function redirect(
  uses: Map<GraphValue, GraphUse[]>,
  value: GraphValue,
  quantizer: GraphNode,
  { point, node, port, readers }: QuantizerTarget,
): void {
  const chosen = (use: GraphUse): boolean => {
    if (point === 'result') return false;
    return point === 'input' ? use.node.name === node && use.port === port : (readers?.includes(use.node.name) ?? true);
  };
  const all = uses.get(value) ?? [];
  const moved = all.filter(chosen);
  for (const use of moved) use.node.inputs[use.port] = quantizer.outputs[0];
  uses.set(quantizer.outputs[0], moved);
  uses.set(value, [...all.filter((use) => !chosen(use)), { node: quantizer, port: 0 }]);
}
