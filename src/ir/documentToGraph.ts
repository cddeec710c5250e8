/** A document that was read as a graph. */
import { apply } from '../autograd/dispatch.js';
import { noGrad } from '../autograd/gradMode.js';
import { atPlace, FormatError, UnsupportedError } from '../errors.js';
import { constantNode, Graph, GraphNode, type GraphOutput, type GraphValue, PARAMETER } from '../graph/graph.js';
import type { TensorType } from '../kernels/contract.js';
import { DYNAMIC, formatShape, type Shape } from '../tensor/shape.js';
import { ConstantValues } from './constantValues.js';
import type { IrDocument, IrLayer } from './document.js';
import { type ElementType, elementTypeNamed, elementTypeOfPort } from './elementTypes.js';
import { LayerData } from './layerData.js';
import { describeLayer, executionOrder, type LayerOutput, layerSources } from './layerSources.js';
import { definitionOf, inputOrder } from './operationNames.js';

/** What an output of a layer is. Constants stay bytes until it is clear what they are for. */
type Value = GraphValue | ConstantValues;

class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly inputs: GraphNode[] = [];
  readonly outputs: GraphOutput[] = [];
  readonly #bin: Uint8Array | null;
  readonly #values = new Map<IrLayer, readonly Value[]>();
  /** The constants that have become nodes. */
  readonly #constants = new Map<GraphValue, ConstantValues>();
  readonly #names = new Set<string>();

  constructor(bin: Uint8Array | null) {
    this.#bin = bin;
  }

  add(layer: IrLayer, sources: readonly LayerOutput[]): void {
    try {
      this.#values.set(layer, this.#read(layer, sources));
    } catch (error) {
      throw atPlace(error, describeLayer(layer));
    }
  }

  #read(layer: IrLayer, sources: readonly LayerOutput[]): readonly Value[] {
    switch (layer.type.toLowerCase()) {
      case 'parameter':
        return [this.#parameter(layer)];
      case 'const':
      case 'constant':
        return [this.#constant(layer)];
      case 'result':
        this.#result(layer, sources);
        return [];
      default:
        return this.#operation(layer, sources);
    }
  }

  #parameter(layer: IrLayer): GraphValue {
    const data = new LayerData(layer.data);
    const { dtype } = elementTypeOfData(data.string('element_type'));
    const type = { shape: partialShape(data.string('shape')), dtype };
    checkOutputs(layer, [type]);
    // Users address inputs by their tensor names; the layer's name is for those that have none.
    const name = this.#free(layer.outputs[0]?.names[0] ?? layer.name);
    const node = new GraphNode(name, PARAMETER, {}, [], [type]);
    this.nodes.push(node);
    this.inputs.push(node);
    return node.outputs[0];
  }

  #constant(layer: IrLayer): ConstantValues {
    const data = new LayerData(layer.data);
    const type = elementTypeOfData(data.string('element_type'));
    const shape = data.numbers('shape');
    const [offset, size] = [data.number('offset'), data.number('size')];
    if (!this.#bin)
      throw new FormatError('NO_WEIGHTS', 'the constant needs the .bin file, which was not given or does not exist.');
    if (![...shape, offset, size].every((value) => Number.isInteger(value) && value >= 0)) {
      throw new FormatError('CONST_PLACE', 'shape, offset and size must be whole numbers of at least 0.');
    }
    if (offset + size > this.#bin.length) {
      throw new FormatError(
        'BIN_TOO_SHORT',
        `its values lie at bytes ${offset} to ${offset + size} of the .bin file, which has ${this.#bin.length}. The file is cut off or belongs to another model.`,
        { offset, size, available: this.#bin.length },
      );
    }
    checkOutputs(layer, [{ shape, dtype: type.dtype }]);
    return new ConstantValues(type, shape, this.#bin.subarray(offset, offset + size), describeLayer(layer));
  }

  #result(layer: IrLayer, sources: readonly LayerOutput[]): void {
    if (sources.length !== 1) throw new FormatError('IR_INPUT', 'a Result has one input.');
    const [source] = sources;
    const value = this.#tensorValue(source);
    const inherited = source.layer.outputs[source.index].names;
    this.outputs.push({ name: layer.outputNames[0] ?? inherited[0] ?? layer.name, value });
  }

  #operation(layer: IrLayer, sources: readonly LayerOutput[]): readonly GraphValue[] {
    const definition = definitionOf(layer);
    const form = definition.openvino;
    const ordered = inputOrder(layer, definition).map((index) => {
      if (index < sources.length) return sources[index];
      throw new FormatError('IR_INPUT', `it has ${sources.length} inputs, which are too few.`);
    });
    const tensorInputs = form?.tensorInputs ?? ordered.length;
    const inputs = ordered.slice(0, tensorInputs).map((source) => this.#tensorValue(source));
    const constants = ordered.slice(tensorInputs).map((source, index) => this.#numbers(source, tensorInputs + index));
    const types = inputs.map(({ type }) => type);
    if (!form?.parse) throw new UnsupportedError('IR_OPERATION', 'the operation cannot be read.');
    const attributes = form.parse(new LayerData(layer.data), constants, types);
    const outputs = definition.infer(types, attributes);
    checkOutputs(layer, outputs);
    const node = new GraphNode(this.#free(layer.name), definition, attributes, inputs, outputs);
    this.nodes.push(node);
    return node.outputs;
  }

  #valueOf({ layer, index }: LayerOutput): Value {
    const values = this.#values.get(layer) ?? [];
    if (index < values.length) return values[index];
    throw new FormatError(
      'IR_PORT',
      `it reads output ${index} of ${describeLayer(layer)}, which has ${values.length}.`,
    );
  }

  /** The value as a tensor of the graph; a constant becomes a node the first time. */
  #tensorValue(source: LayerOutput): GraphValue {
    const value = this.#valueOf(source);
    if (!(value instanceof ConstantValues)) return value;
    const node = constantNode(this.#free(source.layer.name), value.tensor());
    this.nodes.push(node);
    this.#values.set(source.layer, node.outputs);
    this.#constants.set(node.outputs[0], value);
    return node.outputs[0];
  }

  /** The values of an input that is an attribute here. */
  #numbers(source: LayerOutput, port: number): readonly number[] {
    const value = this.#valueOf(source);
    const constant = value instanceof ConstantValues ? value : this.#constants.get(value);
    if (constant) return constant.numbers();
    const computed = constantResult(value as GraphValue);
    if (computed) return [...computed.dataSync()];
    throw new UnsupportedError(
      'COMPUTED_ATTRIBUTE',
      `its input ${port} depends on the model's inputs (through ${describeLayer(source.layer)}); only constants are supported there.`,
      { port },
    );
  }

  #free(name: string): string {
    let free = name;
    for (let count = 1; this.#names.has(free); count++) free = `${name}_${count}`;
    this.#names.add(free);
    return free;
  }
}

/** Computes a value that depends on constants only; null for any other. */
function constantResult({ node, index }: GraphValue): ReturnType<typeof apply>[number] | null {
  if (node.isConstant) return node.constant.tensor;
  if (node.isParameter) return null;
  const operands = node.inputs.map(constantResult);
  if (operands.some((operand) => operand === null)) return null;
  return noGrad(() =>
    apply(
      node.definition,
      operands.flatMap((operand) => operand ?? []),
      node.attributes,
    ),
  )[index];
}

function elementTypeOfData(name: string): ElementType {
  const type = elementTypeNamed(name);
  if (type) return type;
  throw new UnsupportedError('IR_ELEMENT_TYPE', `the element type '${name}' is not supported.`, { type: name });
}

/** The shape of a parameter: extents, `?` or -1 for any, `1..8` for an interval, which is taken as any. */
function partialShape(text: string): Shape {
  const items = text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
  return items.map((item) => {
    if (item === '...')
      throw new UnsupportedError('IR_RANK', 'the number of axes of the input is not known, which is not supported.');
    if (item === '?' || item === '-1' || /^(\d+\.\.\d*|\.\.\d+)$/.test(item)) return DYNAMIC;
    if (/^\d+$/.test(item)) return Number(item);
    throw new FormatError('IR_SHAPE', `the shape '${text}' cannot be read.`, { shape: text });
  });
}

/** What the file says about the outputs must agree with what the operation gives. */
function checkOutputs(layer: IrLayer, types: readonly TensorType[]): void {
  if (layer.outputs.length > types.length) {
    throw new FormatError(
      'IR_PORT',
      `it has ${layer.outputs.length} output ports, but the operation has ${types.length} outputs.`,
    );
  }
  for (const [index, { dims, precision }] of layer.outputs.entries()) {
    const { shape } = types[index];
    const fits = (extent: number, axis: number) =>
      extent === shape[axis] || extent === DYNAMIC || shape[axis] === DYNAMIC;
    if (dims.length !== shape.length || !dims.every(fits)) {
      throw new FormatError(
        'IR_DIMS',
        `the file gives output ${index} the shape ${formatShape(dims)}, but the operation computes ${formatShape(shape)}. The file is damaged or was written by a faulty program.`,
        { declared: dims, computed: shape },
      );
    }
    if (!elementTypeOfPort(precision)) {
      throw new FormatError('IR_PRECISION', `the precision '${precision}' of output ${index} is not known.`, {
        precision,
      });
    }
  }
}

/**
 * @param bin Content of the `.bin` file; null if there is none.
 * @throws FormatError, UnsupportedError and what operations throw for operands that do not fit; all name the layer.
 */
export function documentToGraph(document: IrDocument, bin: Uint8Array | null): Graph {
  const sources = layerSources(document);
  const builder = new GraphBuilder(bin);
  const order = executionOrder(document, sources);
  for (const layer of order) builder.add(layer, sources.get(layer) ?? []);
  if (builder.outputs.length === 0)
    throw new FormatError('IR_NO_RESULT', 'The IR has no Result layer, so it computes nothing.');
  return new Graph(builder.nodes, builder.inputs, builder.outputs);
}
