/** Running a model that was read from a file, by the names of its inputs and outputs. */
import { noGrad } from '../autograd/gradMode.js';
import { ValidationError } from '../errors.js';
import { executeGraph } from '../graph/execute.js';
import type { Graph } from '../graph/graph.js';
import { type ModelSource, readGraph } from '../ir/graphReader.js';
import type { ModelInput } from '../nn/inputs.js';
import '../ops/methods.js';
import type { Tensor } from '../tensor/tensor.js';

export class InferenceSession {
  readonly #graph: Graph;

  /** @param model Such as `readModel()` gives, or a quantized model. */
  constructor({ graph }: { readonly graph: Graph }) {
    this.#graph = graph;
  }

  /** Reads a model and prepares to run it; the argument is `readModel`'s. */
  static async create(source: string | ModelSource): Promise<InferenceSession> {
    return new InferenceSession(await readGraph(source, 'InferenceSession.create'));
  }

  get inputs(): ModelInput[] {
    return this.#graph.inputs.map(({ name, outputs: [{ type }] }) => ({ name, ...type }));
  }

  get outputs(): ModelInput[] {
    return this.#graph.outputs.map(({ name, value: { type } }) => ({ name, ...type }));
  }

  /**
   * Computes the outputs in the evaluation form of the model.
   * @param feeds One tensor for each input, by name.
   * @returns One tensor for each output, by name; two outputs of one name are the same tensor.
   * @throws ValidationError for a missing or unknown name, ShapeError for a tensor that does not fit.
   */
  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const names = this.inputs.map(({ name }) => name);
    const given = Object.keys(feeds);
    const missing = names.filter((name) => !given.includes(name));
    const unknown = given.filter((name) => !names.includes(name));
    if (missing.length > 0 || unknown.length > 0) {
      throw new ValidationError(
        'INPUT_NAMES',
        `The inputs of the model are ${names.join(', ')}; missing: ${missing.join(', ') || 'none'}; not known: ${unknown.join(', ') || 'none'}.`,
        { missing, unknown },
      );
    }
    const graph = this.#graph;
    const results = noGrad(() =>
      executeGraph(
        graph,
        names.map((name) => feeds[name]),
      ),
    );
    return Object.fromEntries(graph.outputs.map(({ name }, index) => [name, results[index]]));
  }
}
