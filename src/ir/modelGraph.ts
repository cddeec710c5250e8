/** The graph behind whatever a user wants to export. */
import { ValidationError } from '../errors.js';
import { Graph } from '../graph/graph.js';
import { GraphModule } from '../graph/graphModule.js';
import { trace } from '../graph/trace.js';
import type { TensorType } from '../kernels/contract.js';
import { Functional } from '../nn/functional.js';
import { Module } from '../nn/module.js';

export interface ModelGraphOptions {
  readonly inputs?: readonly TensorType[];
  readonly dynamicBatch?: boolean;
}

/**
 * The recorded graph of a model. Models that are graphs already bring their own.
 * @throws ValidationError `INPUTS_NEEDED` for another module without `inputs`, `NOT_A_MODEL` for anything else.
 */
export function modelGraph(model: Module | Graph, { inputs, dynamicBatch }: ModelGraphOptions): Graph {
  if (model instanceof Graph) return model;
  if (model instanceof GraphModule) return model.graph;
  if (!(model instanceof Module)) {
    throw new ValidationError('NOT_A_MODEL', 'The model to export must be a Module, a quantized model or a Graph.');
  }
  // The extents of a Functional model's inputs say themselves which ones are dynamic.
  if (model instanceof Functional && !inputs) return trace(model, model.inputs, { dynamicBatch: false }).graph;
  if (!inputs) {
    throw new ValidationError(
      'INPUTS_NEEDED',
      `Exporting a ${model.constructor.name} needs the types of its inputs: { inputs: [{ shape: [1, 3, 224, 224], dtype: 'float32' }] }, or tensors like those that forward() takes.`,
    );
  }
  return trace(model, inputs, { dynamicBatch }).graph;
}
