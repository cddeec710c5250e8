/** A model that was read from a file: a module like any other, with what else the file said. */
import type { Graph } from '../graph/graph.js';
import { GraphModule } from '../graph/graphModule.js';
import type { RuntimeInfo } from './document.js';

/** `forward` takes the model's inputs in the order of the file, and returns its output, or an array of several. */
export class ImportedModel extends GraphModule {
  /** The model's name in the file. */
  readonly name: string;
  /** The metadata of the file. */
  readonly runtimeInfo: RuntimeInfo;

  constructor(graph: Graph, name: string, runtimeInfo: RuntimeInfo) {
    super(graph, graph.outputs.length === 1 ? 0 : graph.outputs.map((_, index) => index));
    this.name = name;
    this.runtimeInfo = runtimeInfo;
    this.eval();
  }
}
