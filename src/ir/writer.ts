/** Writing models as OpenVINO IR version 11: as bytes, or as `.xml` and `.bin` files. */
import { writeFilesAtomic } from '../files/atomicFile.js';
import type { Graph } from '../graph/graph.js';
import type { TensorType } from '../kernels/contract.js';
import type { Module } from '../nn/module.js';
import { checkOptions } from '../options.js';
import { QuantizedModel } from '../quant/quantizedModel.js';
import { ConstantPool } from './constantPool.js';
import type { RuntimeInfo } from './document.js';
import { documentToXml } from './documentToXml.js';
import { graphToDocument } from './graphToDocument.js';
import { ImportedModel } from './importedModel.js';
import { lower } from './lowering/lower.js';
import { modelGraph } from './modelGraph.js';
import { renameInterface } from './renameInterface.js';
import { quantgradInfo } from './runtimeInfo.js';
import { weightsPath } from './weightsPath.js';

export interface SaveModelOptions {
  /**
   * Types of what `forward` takes, or tensors like it. Needed for a float model that is a class or a
   * Sequential; quantized, Functional and imported models know theirs.
   */
  inputs?: readonly TensorType[];
  /** Names of the inputs. Default: the model's own; else `input`, or `input_0`, `input_1`, ... */
  inputNames?: readonly string[];
  /** Names of the outputs. Default: from what `forward` returns: `output`, `output_0`, ..., or the keys of an object. */
  outputNames?: readonly string[];
  /** Let the first axis of the `inputs` given be of any size. Default: true. */
  dynamicBatch?: boolean;
  /** Name of the model. Default: that of the file an imported model came from, else `model`. */
  name?: string;
  /** More metadata for the file's `rt_info`, such as `{ model_info: { labels: 'cat dog' } }`. Default: none. */
  runtimeInfo?: RuntimeInfo;
}

/** The two parts of a model in OpenVINO IR. */
export interface ModelFiles {
  /** Content of the `.xml` file. */
  readonly xml: string;
  /** Content of the `.bin` file. */
  readonly bin: Uint8Array;
}

const OPTION_NAMES = ['inputs', 'inputNames', 'outputNames', 'dynamicBatch', 'name', 'runtimeInfo'] as const;

/**
 * The evaluation form of a model as OpenVINO IR version 11. The model is not changed.
 * @throws UnsupportedError `IR_OPERATION` or `IR_DTYPE`, naming the layer, for what OpenVINO IR or this writer lacks.
 * @throws TraceError if the model cannot be recorded as a graph.
 * @throws ValidationError for options that do not fit the model, and for weights or ranges that are not finite.
 */
export async function serializeModel(model: Module | Graph, options: SaveModelOptions = {}): Promise<ModelFiles> {
  checkOptions('serializeModel', options, OPTION_NAMES);
  const graph = await lower(modelGraph(model, options));
  renameInterface(graph, options);
  const imported = model instanceof ImportedModel ? model : null;
  const record = model instanceof QuantizedModel ? model.record : null;
  // A file that is written again keeps what it said.
  const info: RuntimeInfo = { quantgrad: quantgradInfo(record), ...imported?.runtimeInfo, ...options.runtimeInfo };
  const pool = new ConstantPool();
  const document = graphToDocument(graph, options.name ?? imported?.name ?? 'model', info, pool);
  return { xml: documentToXml(document), bin: pool.toBytes() };
}

/**
 * Writes `path` (which ends in `.xml`) and, beside it, the `.bin` file of the same name. Both are complete on
 * the disk before either takes its name. Node only; elsewhere use `serializeModel`.
 * @throws FileError if a file cannot be written. Other errors as for `serializeModel`.
 * @throws ValidationError `NOT_XML_PATH` for a path that does not end in `.xml`.
 */
export async function saveModel(model: Module | Graph, path: string, options: SaveModelOptions = {}): Promise<void> {
  const binPath = weightsPath(path);
  const { xml, bin } = await serializeModel(model, options);
  await writeFilesAtomic([
    { path: binPath, bytes: bin },
    { path, bytes: new TextEncoder().encode(xml) },
  ]);
}
