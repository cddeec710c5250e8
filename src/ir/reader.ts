/** Reading OpenVINO IR as a model that runs, trains and is quantized like any other. */
import { type ModelSource, parseGraph, type ReadGraph, readGraph } from './graphReader.js';
import { ImportedModel } from './importedModel.js';

export type { ModelSource } from './graphReader.js';

const modelOf = ({ graph, name, runtimeInfo }: ReadGraph): ImportedModel => new ImportedModel(graph, name, runtimeInfo);

/**
 * The model in the text of an `.xml` file and the bytes of a `.bin` file. Constants are literals of the graph, on the
 * default backend, in float32 where the file has float16; 64-bit integers become int32.
 * @throws FormatError naming the layer if the files are damaged, do not belong together, or contradict themselves.
 * @throws UnsupportedError naming the layer for operations, attributes and types that are not supported.
 */
export const parseIr = (xml: string | Uint8Array, bin: Uint8Array | null = null): ImportedModel =>
  modelOf(parseGraph(xml, bin));

/**
 * Reads a model.
 * @param source Path of an `.xml` file, which has the `.bin` file of the same name beside it (Node only); or the
 *   contents of both.
 * @throws FileError if a file cannot be read. Other errors as for `parseIr`.
 */
export const readModel = async (source: string | ModelSource): Promise<ImportedModel> =>
  modelOf(await readGraph(source, 'readModel'));
