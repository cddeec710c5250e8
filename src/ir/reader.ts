/** Reading OpenVINO IR, from files or from bytes. */
import { FileError, ValidationError } from '../errors.js';
import { readFileBytes } from '../files/readFile.js';
import { documentToGraph } from './documentToGraph.js';
import { ImportedModel } from './importedModel.js';
import { foldConstants } from './lowering/foldConstants.js';
import { placeConstants } from './placeConstants.js';
import { weightsPath } from './weightsPath.js';
import { xmlToDocument } from './xmlToDocument.js';

/** A model in memory. */
export interface ModelSource {
  readonly xml: string | Uint8Array;
  /** Not needed by a model without constants. */
  readonly bin?: Uint8Array | null;
}

/**
 * The model in the text of an `.xml` file and the bytes of a `.bin` file. Constants are literals of the graph, on the
 * default backend, in float32 where the file has float16; 64-bit integers become int32.
 * @throws FormatError naming the layer if the files are damaged, do not belong together, or contradict themselves.
 * @throws UnsupportedError naming the layer for operations, attributes and types that are not supported.
 */
export function parseIr(xml: string | Uint8Array, bin: Uint8Array | null = null): ImportedModel {
  const document = xmlToDocument(typeof xml === 'string' ? xml : new TextDecoder().decode(xml));
  const graph = documentToGraph(document, bin);
  foldConstants(graph);
  placeConstants(graph);
  return new ImportedModel(graph, document.name, document.runtimeInfo);
}

/**
 * Reads a model.
 * @param source Path of an `.xml` file, which has the `.bin` file of the same name beside it (Node only); or the
 *   contents of both.
 * @throws FileError if a file cannot be read. Other errors as for `parseIr`.
 */
export async function readModel(source: string | ModelSource): Promise<ImportedModel> {
  if (typeof source !== 'string') {
    if (source?.xml === undefined) {
      throw new ValidationError(
        'NOT_A_MODEL',
        "readModel takes the path of an .xml file or { xml, bin } with the files' contents.",
      );
    }
    return parseIr(source.xml, source.bin ?? null);
  }
  const binPath = weightsPath(source);
  return parseIr(await readFileBytes(source), await readIfPresent(binPath));
}

/** A model without constants has no need for a `.bin` file; the layer that needs a missing one says so. */
async function readIfPresent(path: string): Promise<Uint8Array | null> {
  try {
    return await readFileBytes(path);
  } catch (error) {
    if (error instanceof FileError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}
