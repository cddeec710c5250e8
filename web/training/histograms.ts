/** How weights and activations are distributed, at the places where quantizers stand or will stand. */
import { noGrad, type QuantizedModel, type Quantizer, type Tensor } from 'quantgrad';
import type { DigitsNet } from '../../examples/digits/network.js';
import { executeGraph } from '../../src/graph/execute.js';
import type { Graph, GraphValue } from '../../src/graph/graph.js';
import { trace } from '../../src/graph/trace.js';
import { channelIndex, type QuantizerGrid, quantizerGrid } from '../../src/quant/quantizerGrid.js';
import type { LayerHistogram } from '../protocol.js';
import type { Ranges } from './grids.js';

const BINS = 64;
/** The ends of a range are float32, and the values that they were taken from are not beyond them. */
const TOLERANCE = 1e-6;

/** A value to look at, and the quantizer that it meets. */
interface Place {
  readonly value: GraphValue;
  readonly quantizer: Quantizer | null;
}

const WEIGHTED = ['Convolution', 'MatMul'];

/** The places of a float network that quantization gives quantizers to: the image, what ReLU gives, and weights. */
function floatPlaces({ nodes }: Graph): Place[] {
  return nodes.flatMap((node) => {
    const [output] = node.outputs;
    const weights =
      node.isConstant && nodes.some(({ type, inputs }) => WEIGHTED.includes(type) && inputs[1] === output);
    return node.isParameter || node.type === 'ReLU' || weights ? [{ value: output, quantizer: null }] : [];
  });
}

const quantizedPlaces = (model: QuantizedModel): Place[] =>
  model.quantizers.map((quantizer) => ({ value: model.graph.node(quantizer.name).inputs[0], quantizer }));

const layerOf = ({ node }: GraphValue): string =>
  node.isConstant ? node.constant.path.replace(/\.weight$/, '') : (node.scope || node.name).replaceAll('/', '.');

/** Histograms of a float network. */
export async function floatHistograms(network: DigitsNet, images: Tensor): Promise<LayerHistogram[]> {
  const { graph } = trace(network, [images]);
  return collect(graph, floatPlaces(graph), images, null);
}

/** Histograms of a quantized network, with its grids. */
export const quantizedHistograms = (
  model: QuantizedModel<DigitsNet>,
  images: Tensor,
  ranges: Ranges,
): Promise<LayerHistogram[]> => collect(model.graph, quantizedPlaces(model), images, ranges);

async function collect(
  graph: Graph,
  places: readonly Place[],
  images: Tensor,
  ranges: Ranges | null,
): Promise<LayerHistogram[]> {
  const seen = new Map<GraphValue, Tensor>();
  const watched = new Set(places.map(({ value }) => value));
  noGrad(() =>
    executeGraph(graph, [images], {
      observe(value, tensor) {
        if (watched.has(value)) seen.set(value, tensor);
      },
    }),
  );
  const histograms: LayerHistogram[] = [];
  for (const { value, quantizer } of places) {
    const tensor = seen.get(value) as Tensor;
    const values = await tensor.data();
    const kind = value.node.isConstant ? 'weights' : 'activations';
    const layer = layerOf(value);
    const limits = quantizer ? await quantizerGrid(quantizer) : null;
    histograms.push({
      id: `${layer}/${kind}`,
      layer,
      kind,
      ...count(values),
      clipped: limits ? clippedShare(values, tensor.shape, limits) : 0,
      grid: quantizer && limits && ranges ? ranges.describe(quantizer, limits) : null,
    });
  }
  return histograms;
}

/** The counts of equally wide bins from the smallest to the largest value. */
function count(values: ArrayLike<number>): Pick<LayerHistogram, 'edges' | 'counts' | 'total' | 'zeros'> {
  let [low, high, zeros] = [Infinity, -Infinity, 0];
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (value === 0) zeros++;
  }
  // Values that are all the same still need bins of some width.
  if (!(high > low)) [low, high] = [low - 0.5, low + 0.5];
  const counts = new Array<number>(BINS).fill(0);
  const perUnit = BINS / (high - low);
  for (let index = 0; index < values.length; index++) {
    counts[Math.min(Math.floor((values[index] - low) * perUnit), BINS - 1)]++;
  }
  const edges = Array.from({ length: BINS + 1 }, (_, edge) => low + (edge / BINS) * (high - low));
  return { edges, counts, total: values.length, zeros };
}

/** The share of values that lie beyond their range. */
function clippedShare(values: ArrayLike<number>, shape: readonly number[], grid: QuantizerGrid): number {
  const channelOf = channelIndex(shape, grid);
  let clipped = 0;
  for (let index = 0; index < values.length; index++) {
    const channel = channelOf(index);
    const [low, high] = [grid.low[channel], grid.high[channel]];
    const room = (high - low) * TOLERANCE;
    if (values[index] < low - room || values[index] > high + room) clipped++;
  }
  return clipped / values.length;
}
