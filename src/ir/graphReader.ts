/** Reading OpenVINO IR as a graph, from files or from bytes. */
import { FileError, ValidationError } from '../errors.js';
import { readFileBytes } from '../files/readFile.js';
import type { Graph } from '../graph/graph.js';
import type { RuntimeInfo } from './document.js';
import { documentToGraph } from './documentToGraph.js';
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

/** What a file says. */
export interface ReadGraph {
  readonly graph: Graph;
  /** The model's name. */
  readonly name: string;
  readonly runtimeInfo: RuntimeInfo;
}

/**
 * The graph in the text of an `.xml` file and the bytes of a `.bin` file. Constants are literals of the graph, on the
 * default backend, in float32 where the file has float16; 64-bit integers become int32.
 * @throws FormatError naming the layer if the files are damaged, do not belong together, or contradict themselves.
 * @throws UnsupportedError naming the layer for operations, attributes and types that are not supported.
 */
export function parseGraph(xml: string | Uint8Array, bin: Uint8Array | null = null): ReadGraph {
  const document = xmlToDocument(typeof xml === 'string' ? xml : new TextDecoder().decode(xml));
  const graph = documentToGraph(document, bin);
  foldConstants(graph);
  placeConstants(graph);
  return { graph, name: document.name, runtimeInfo: document.runtimeInfo };
}

/**
 * Reads a graph.
 * @param where What takes the source, for errors.
 * @throws FileError if a file cannot be read. Other errors as for `parseGraph`.
 */
export async function readGraph(source: string | ModelSource, where: string): Promise<ReadGraph> {
  if (typeof source !== 'string') {
    if (source?.xml === undefined) {
      throw new ValidationError(
        'NOT_A_MODEL',
        `${where} takes the path of an .xml file or { xml, bin } with the files' contents.`,
      );
    }
    return parseGraph(source.xml, source.bin ?? null);
  }
  const binPath = weightsPath(source);
  return parseGraph(await readFileBytes(source), await readIfPresent(binPath));
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
