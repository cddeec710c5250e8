/**
 * A lowered graph as layers and edges. Everything about an operation comes from its definition's OpenVINO
 * form, so an operation that is added needs no change here.
 */
import type { OpenvinoConstant, OpenvinoData, OpenvinoForm } from '../autograd/operation.js';
import { QuantGradError, UnsupportedError } from '../errors.js';
import type { Graph, GraphNode, GraphValue } from '../graph/graph.js';
import type { TensorType } from '../kernels/contract.js';
import { formatShape, type Shape, sameShape } from '../tensor/shape.js';
import type { ConstantPlace, ConstantPool } from './constantPool.js';
import type { IrDocument, IrEdge, IrLayer, IrPort, RuntimeInfo } from './document.js';
import { type ElementType, elementTypeNamed, elementTypeOf } from './elementTypes.js';

/** The layer as errors name it. */
const describe = ({ name, type, scope }: Pick<GraphNode, 'name' | 'type' | 'scope'>): string =>
  `'${name}' (${type}${scope === '' ? '' : `, layer '${scope}'`})`;

function elementType(node: GraphNode, { dtype, shape }: TensorType): ElementType {
  const found = elementTypeOf(dtype);
  if (found) return found;
  throw new UnsupportedError(
    'IR_DTYPE',
    `${describe(node)} has a ${dtype} tensor of shape ${formatShape(shape)}, which is not exported. Convert the model and its inputs to float32 first.`,
    { node: node.name, dtype },
  );
}

/** An attribute as text: lists with commas, numbers with every digit they need. */
function dataText(node: GraphNode, name: string, value: OpenvinoData[string]): string {
  if (typeof value === 'object') return value.map((item) => dataText(node, name, item)).join(', ');
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new UnsupportedError(
      'IR_ATTRIBUTE',
      `${describe(node)} has the attribute ${name} = ${value}; a file can only hold finite numbers.`,
      { node: node.name, attribute: name },
    );
  }
  return String(value);
}

const dataTexts = (node: GraphNode, data: OpenvinoData): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, dataText(node, name, value)]));

function constantBytes({ elementType: type, values }: OpenvinoConstant): Uint8Array {
  if (type === 'f32') return bytesOf(Float32Array.from(values));
  if (type === 'i32') return bytesOf(Int32Array.from(values));
  return bytesOf(BigInt64Array.from(values, (value) => BigInt(Math.min(Math.max(value, -FARTHEST), FARTHEST))));
}

/** Larger bounds mean "to the end"; as they are, they might not fit 64 bits. */
const FARTHEST = Number.MAX_SAFE_INTEGER;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** A pass that changed attributes must have left the types as they were, or the file would contradict itself. */
function checkTypes({ definition, attributes, name, outputs }: GraphNode, inputs: readonly TensorType[]): void {
  for (const [index, { shape }] of definition.infer(inputs, attributes).entries()) {
    const declared = outputs[index].type.shape;
    if (sameShape(shape, declared)) continue;
    throw new QuantGradError(
      'GRAPH_TYPES',
      `Output ${index} of '${name}' has the shape ${formatShape(declared)} in the graph, but its operation gives ${formatShape(shape)}.`,
      { node: name },
    );
  }
}

class DocumentBuilder {
  readonly layers: IrLayer[] = [];
  readonly edges: IrEdge[] = [];
  readonly #pool: ConstantPool;
  readonly #names: Set<string>;
  /** The layer and port where each value of the graph comes out. */
  readonly #sources = new Map<GraphValue, { layer: number; port: number }>();
  readonly #tensorNames = new Map<GraphValue, string[]>();

  constructor(graph: Graph, pool: ConstantPool) {
    this.#pool = pool;
    this.#names = new Set(graph.nodes.map(({ name }) => name));
    const nameValue = (value: GraphValue, name: string): void => {
      const known = this.#tensorNames.get(value) ?? [];
      if (!known.includes(name)) this.#tensorNames.set(value, [...known, name]);
    };
    for (const node of graph.inputs) nameValue(node.outputs[0], node.name);
    for (const { value, name } of graph.outputs) nameValue(value, name);
  }

  parameter(node: GraphNode): void {
    const { shape } = node.outputs[0].type;
    const data = {
      shape: shape.map((extent) => (extent < 0 ? '?' : extent)).join(','),
      element_type: elementType(node, node.outputs[0].type).name,
    };
    this.#add(node.name, 'Parameter', 'opset1', data, [], this.#ports(node, 0), node);
  }

  constant(node: GraphNode): void {
    const { tensor } = node.constant;
    const type = elementType(node, tensor);
    const place = this.#pool.add(bytesOf(tensor.dataSync()), type.bits / 8);
    this.#add(
      node.name,
      'Const',
      'opset1',
      constantData(type.name, tensor.shape, place),
      [],
      this.#ports(node, 0),
      node,
    );
  }

  operation(node: GraphNode): void {
    const form = node.definition.openvino as OpenvinoForm<unknown> | undefined;
    if (!form) {
      throw new UnsupportedError(
        'IR_OPERATION',
        `${describe(node)} has no form in OpenVINO IR, so the model cannot be exported. Express it with other operations.`,
        { node: node.name, type: node.type },
      );
    }
    const types = node.inputs.map((value) => value.type);
    checkTypes(node, types);
    const constants = form.constants?.(node.attributes, types) ?? [];
    const sources = [
      ...node.inputs.map((value) => ({
        ...this.#source(value),
        type: value.type.shape,
        of: elementType(node, value.type),
      })),
      ...constants.map((constant, index) => this.#attributeConstant(node, constant, index)),
    ];
    const inputs = sources.map(({ type, of }, id): IrPort => ({ id, precision: of.precision, dims: type, names: [] }));
    const version = typeof form.opset === 'string' ? form.opset : form.opset(node.attributes);
    const data = form.data ? dataTexts(node, form.data(node.attributes, types)) : null;
    const id = this.#add(
      node.name,
      form.type ?? node.type,
      version,
      data,
      inputs,
      this.#ports(node, inputs.length),
      node,
    );
    this.#connect(id, sources);
  }

  result(value: GraphValue, name: string): void {
    const { precision } = elementType(value.node, value.type);
    const input: IrPort = { id: 0, precision, dims: value.type.shape, names: [] };
    const id = this.layers.length;
    this.layers.push({
      id,
      name: this.#free(`${name}/result`),
      type: 'Result',
      version: 'opset1',
      data: null,
      inputs: [input],
      outputs: [],
      // OpenVINO gives the tensor these names instead of those of its port, so that none may be missing.
      outputNames: [name, ...(this.#tensorNames.get(value) ?? []).filter((other) => other !== name)],
    });
    this.#connect(id, [this.#source(value)]);
  }

  /** A constant that is an attribute here and an input there. */
  #attributeConstant(node: GraphNode, constant: OpenvinoConstant, index: number) {
    const of = elementTypeNamed(constant.elementType) as ElementType;
    const place = this.#pool.add(constantBytes(constant), of.bits / 8);
    const port: IrPort = { id: 0, precision: of.precision, dims: constant.shape, names: [] };
    const name = this.#free(`${node.name}/constant_${index}`);
    const data = constantData(of.name, constant.shape, place);
    const layer = this.#add(name, 'Const', 'opset1', data, [], [port], null);
    return { layer, port: 0, type: constant.shape, of };
  }

  #ports(node: GraphNode, first: number): IrPort[] {
    return node.outputs.map((value, index) => ({
      id: first + index,
      precision: elementType(node, value.type).precision,
      dims: value.type.shape,
      names: this.#tensorNames.get(value) ?? [],
    }));
  }

  #add(
    name: string,
    type: string,
    version: string,
    data: Record<string, string> | null,
    inputs: readonly IrPort[],
    outputs: readonly IrPort[],
    node: GraphNode | null,
  ): number {
    const id = this.layers.length;
    this.layers.push({ id, name, type, version, data, inputs, outputs, outputNames: [] });
    node?.outputs.forEach((value, index) => {
      this.#sources.set(value, { layer: id, port: outputs[index].id });
    });
    return id;
  }

  #source(value: GraphValue): { layer: number; port: number } {
    const source = this.#sources.get(value);
    if (!source) throw new QuantGradError('GRAPH_ORDER', `The graph uses '${value.node.name}' before it is computed.`);
    return source;
  }

  #connect(toLayer: number, sources: readonly { layer: number; port: number }[]): void {
    sources.forEach(({ layer, port }, toPort) => {
      this.edges.push({ fromLayer: layer, fromPort: port, toLayer, toPort });
    });
  }

  #free(name: string): string {
    let free = name;
    for (let count = 1; this.#names.has(free); count++) free = `${name}_${count}`;
    this.#names.add(free);
    return free;
  }
}

const constantData = (name: string, shape: Shape, { offset, size }: ConstantPlace): Record<string, string> => ({
  element_type: name,
  shape: shape.join(', '),
  offset: String(offset),
  size: String(size),
});

/** The document of a graph that `lower` has prepared; its constants go into `pool`. */
export function graphToDocument(graph: Graph, name: string, runtimeInfo: RuntimeInfo, pool: ConstantPool): IrDocument {
  const builder = new DocumentBuilder(graph, pool);
  for (const node of graph.inputs) builder.parameter(node);
  for (const node of graph.nodes) {
    if (node.isParameter) continue;
    if (node.isConstant) builder.constant(node);
    else builder.operation(node);
  }
  for (const output of graph.outputs) builder.result(output.value, output.name);
  return { name, layers: builder.layers, edges: builder.edges, runtimeInfo };
}
