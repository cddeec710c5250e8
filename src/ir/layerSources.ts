/** Which output each input of each layer reads: the edges of a document, checked. */
import { FormatError } from '../errors.js';
import type { IrDocument, IrLayer, IrPort } from './document.js';

/** An output of a layer, by its place among the layer's outputs. */
export interface LayerOutput {
  readonly layer: IrLayer;
  readonly index: number;
}

export const describeLayer = ({ name, type, id }: IrLayer): string => `layer '${name}' (${type}, id ${id})`;

function portIndex(layer: IrLayer, ports: readonly IrPort[], kind: string, id: number): number {
  const index = ports.findIndex((port) => port.id === id);
  if (index >= 0) return index;
  throw new FormatError(
    'IR_PORT',
    `An edge names the ${kind} port ${id} of ${describeLayer(layer)}, which it does not have.`,
    {
      layer: layer.name,
      port: id,
    },
  );
}

/**
 * The sources of every layer's inputs, in the order of its ports. Ports are found by their ids, which need not
 * be in any order.
 * @throws FormatError for ids that occur twice, edges to what does not exist, and inputs with no edge or several.
 */
export function layerSources({ layers, edges }: IrDocument): Map<IrLayer, LayerOutput[]> {
  const byId = new Map<number, IrLayer>();
  for (const layer of layers) {
    const other = byId.get(layer.id);
    if (other)
      throw new FormatError(
        'IR_LAYER_ID',
        `The id of ${describeLayer(layer)} is also that of ${describeLayer(other)}.`,
        { id: layer.id },
      );
    byId.set(layer.id, layer);
  }
  const find = (id: number): IrLayer => {
    const layer = byId.get(id);
    if (layer) return layer;
    throw new FormatError('IR_EDGE', `An edge names the layer ${id}, which the IR does not have.`, { id });
  };
  const sources = new Map(
    layers.map((layer): [IrLayer, (LayerOutput | undefined)[]] => [layer, layer.inputs.map(() => undefined)]),
  );
  for (const edge of edges) {
    const [from, to] = [find(edge.fromLayer), find(edge.toLayer)];
    const input = portIndex(to, to.inputs, 'input', edge.toPort);
    const inputs = sources.get(to) as (LayerOutput | undefined)[];
    if (inputs[input])
      throw new FormatError('IR_EDGE', `Two edges lead to input port ${edge.toPort} of ${describeLayer(to)}.`, {
        layer: to.name,
      });
    inputs[input] = { layer: from, index: portIndex(from, from.outputs, 'output', edge.fromPort) };
  }
  return new Map(
    [...sources].map(([layer, inputs]) => [layer, inputs.map((source, index) => source ?? missing(layer, index))]),
  );
}

function missing(layer: IrLayer, index: number): never {
  throw new FormatError('IR_INPUT', `Input port ${layer.inputs[index].id} of ${describeLayer(layer)} has no edge.`, {
    layer: layer.name,
    port: layer.inputs[index].id,
  });
}

/**
 * The layers that the results need, and the parameters, each after what it reads.
 * @throws FormatError `IR_CYCLE`.
 */
export function executionOrder(document: IrDocument, sources: ReadonlyMap<IrLayer, readonly LayerOutput[]>): IrLayer[] {
  const order: IrLayer[] = [];
  const state = new Map<IrLayer, 'open' | 'done'>();
  const isType = (layer: IrLayer, type: string) => layer.type.toLowerCase() === type;
  const roots = [
    ...document.layers.filter((layer) => isType(layer, 'parameter')),
    ...document.layers.filter((layer) => isType(layer, 'result')),
  ];
  for (const root of roots) {
    const stack: [IrLayer, number][] = [[root, 0]];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const [layer, next] = top;
      const inputs = sources.get(layer) ?? [];
      if (state.get(layer) === 'done') stack.pop();
      else if (next < inputs.length) {
        top[1]++;
        state.set(layer, 'open');
        const { layer: source } = inputs[next];
        if (state.get(source) === 'open') {
          throw new FormatError('IR_CYCLE', `The edges lead in a circle through ${describeLayer(source)}.`, {
            layer: source.name,
          });
        }
        if (!state.has(source)) stack.push([source, 0]);
      } else {
        state.set(layer, 'done');
        order.push(layer);
        stack.pop();
      }
    }
  }
  return order;
}
