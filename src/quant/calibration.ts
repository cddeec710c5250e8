/** The pass over the calibration data: runs the float model and gives every watched value to its collectors. */
import { noGrad } from '../autograd/gradMode.js';
import { nextTurn } from '../data/eventLoop.js';
import { QuantGradError, ValidationError } from '../errors.js';
import { executeGraph } from '../graph/execute.js';
import { Graph, type GraphValue } from '../graph/graph.js';
import { PlannedExecutor } from '../graph/plannedExecutor.js';
import type { TensorType } from '../kernels/contract.js';
import { checkInputs } from '../nn/inputs.js';
import { Tensor } from '../tensor/tensor.js';
import { type Collector, requireFinite } from './statistics/collector.js';

/** A data source that turns its items into what the model takes, such as a `CalibrationDataset`. */
export interface InferenceSource {
  getInferenceData(): AsyncIterable<unknown>;
}

/** Samples to calibrate with: what the model takes, one item at a time (a batch counts as one item). */
export type CalibrationSource = InferenceSource | AsyncIterable<unknown> | Iterable<unknown>;

const hasInferenceData = (source: object): source is InferenceSource =>
  'getInferenceData' in source && typeof source.getInferenceData === 'function';

/** The model's inputs, sample by sample, up to `limit` of them. */
export async function* calibrationInputs(source: CalibrationSource, limit: number): AsyncGenerator<Tensor[]> {
  if (
    typeof source !== 'object' ||
    source === null ||
    !(hasInferenceData(source) || Symbol.asyncIterator in source || Symbol.iterator in source)
  ) {
    throw new ValidationError(
      'CALIBRATION_SOURCE',
      'The calibration data must be a CalibrationDataset, a DataLoader or another iterable of model inputs.',
    );
  }
  let count = 0;
  for await (const item of hasInferenceData(source) ? source.getInferenceData() : source) {
    const inputs = Array.isArray(item) ? item : [item];
    if (!inputs.every((input) => input instanceof Tensor)) {
      throw new ValidationError(
        'CALIBRATION_ITEM',
        `Calibration item ${count} is not a tensor or an array of tensors. Wrap the data in new CalibrationDataset(loader, ([image]) => image) with a function that picks the model's inputs.`,
        { item: count },
      );
    }
    yield inputs as Tensor[];
    if (++count >= limit) return;
  }
}

/** Values to watch: what to tell a user they are, and what collects them. */
export type Watchlist = ReadonlyMap<
  GraphValue,
  { readonly description: string; readonly collectors: readonly Collector[] }
>;

export interface CalibrationProgress {
  /** Called after each sample with the number done. */
  readonly onProgress?: (done: number) => void;
}

/** The same error, saying that it is a sample's; `details.sample` is its number, from 0. */
export function inSample(error: unknown, sample: number): unknown {
  if (!(error instanceof QuantGradError)) return error;
  const ErrorClass = error.constructor as new (
    ...values: ConstructorParameters<typeof QuantGradError>
  ) => QuantGradError;
  const message = `Calibration sample ${sample} (counted from 0): ${error.message}`;
  return new ErrorClass(error.code, message, { ...error.details, sample }, error);
}

function checkSample(graph: Graph, inputs: readonly Tensor[], sample: number): void {
  try {
    checkInputs(
      graph.inputs.map((node) => ({ name: node.name, ...node.outputs[0].type })),
      inputs,
    );
  } catch (error) {
    throw inSample(error, sample);
  }
}

/**
 * Runs the graph on every sample and collects the statistics of the watched values.
 * @returns The number of samples.
 */
export async function collectStatistics(
  graph: Graph,
  samples: AsyncIterable<readonly Tensor[]>,
  watchlist: Watchlist,
  progress: CalibrationProgress = {},
): Promise<number> {
  let count = 0;
  const take = (value: GraphValue, values: ArrayLike<number>, { shape }: Pick<TensorType, 'shape'>): void => {
    const entry = watchlist.get(value);
    requireFinite(values, shape, `sample ${count}, ${entry?.description ?? value.node.name}`);
    for (const collector of entry?.collectors ?? []) collector.add(values, shape);
  };
  // Without outputs: what is watched is seen as it is computed, and nothing is kept.
  const executor = new PlannedExecutor(new Graph(graph.nodes, graph.inputs, []), {
    wants: (value) => watchlist.has(value),
    observe: take,
  });
  for await (const inputs of samples) {
    checkSample(graph, inputs, count);
    const planned = PlannedExecutor.supports(inputs) ? noGrad(() => executor.run(inputs, false)) : null;
    if (!planned) await observe(graph, inputs, watchlist, take);
    count++;
    progress.onProgress?.(count);
    // Memory of values that nothing uses any more comes back only between turns of the event loop.
    await nextTurn();
  }
  return count;
}

/** Runs the graph operation by operation and reads what is watched. */
async function observe(
  graph: Graph,
  inputs: readonly Tensor[],
  watchlist: Watchlist,
  take: (value: GraphValue, values: ArrayLike<number>, type: Pick<TensorType, 'shape'>) => void,
): Promise<void> {
  // Reading waits, so values are kept until the sample's operations are all enqueued.
  const waiting: (() => Promise<void>)[] = [];
  noGrad(() =>
    executeGraph(graph, inputs, {
      observe(value, tensor) {
        if (!watchlist.has(value)) return;
        if (tensor.backend.synchronous) take(value, tensor.backend.readSync(tensor.storage), tensor);
        else waiting.push(async () => take(value, await tensor.data(), tensor));
      },
    }),
  );
  for (const read of waiting) await read();
}
