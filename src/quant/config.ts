/**
 * The configuration of a quantized model: everything but its values, as plain JSON. With a fresh float
 * model it rebuilds the quantized one, whose values then come from a state dictionary (NNCF's `get_config`
 * and `load_from_config`).
 */
import { FormatError, ValidationError } from '../errors.js';
import { copyGraph } from '../graph/graphModule.js';
import { trace } from '../graph/trace.js';
import type { DType } from '../kernels/dtype.js';
import type { Module } from '../nn/module.js';
import { ones } from '../tensor/create.js';
import { type QuantizationRecord, QuantizedModel } from './quantizedModel.js';
import { insertQuantizers, type QuantizerInsertion, type QuantizerTarget, quantizerName } from './quantizer.js';
import type { QuantizerSpec } from './spec.js';

/** The version of the format that this library writes, and the newest it reads. */
export const CONFIG_VERSION = 1;

export interface QuantizerEntry {
  readonly target: QuantizerTarget;
  readonly spec: QuantizerSpec;
  readonly enabled: boolean;
  /** Shape of each parameter. */
  readonly shape: readonly number[];
  /** Name of the quantizer whose parameters this one uses, if not its own. */
  readonly shares?: string;
}

export interface QuantizationConfig {
  readonly version: number;
  /** What `forward` takes. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: DType }[];
  readonly record: QuantizationRecord;
  readonly quantizers: readonly QuantizerEntry[];
}

/** The configuration of a quantized model, ready for `JSON.stringify`. */
export function getConfig(model: QuantizedModel): QuantizationConfig {
  const owners = new Map<unknown, string>();
  return {
    version: CONFIG_VERSION,
    inputs: model.graph.inputs.map((node) => ({
      name: node.name,
      shape: [...node.outputs[0].type.shape],
      dtype: node.outputs[0].type.dtype,
    })),
    record: model.record,
    quantizers: model.quantizers.map((quantizer) => {
      const [parameter] = quantizer.parameters;
      const owner = owners.get(parameter);
      if (owner === undefined) owners.set(parameter, quantizer.name);
      return {
        target: quantizer.target,
        spec: quantizer.spec,
        enabled: quantizer.enabled,
        shape: [...parameter.shape],
        ...(owner === undefined ? {} : { shares: owner }),
      };
    }),
  };
}

function checkConfig(config: QuantizationConfig): void {
  if (
    config === null ||
    typeof config !== 'object' ||
    !Array.isArray(config.quantizers) ||
    !Array.isArray(config.inputs)
  ) {
    throw new FormatError(
      'NOT_A_CONFIG',
      'This is not a quantization configuration: expected what getConfig() returns, with inputs and quantizers.',
    );
  }
  if (!(config.version <= CONFIG_VERSION)) {
    throw new FormatError(
      'NEWER_CONFIG',
      `The quantization configuration has version ${config.version}, but this library reads up to ${CONFIG_VERSION}. Update quantgrad.`,
      {
        version: config.version,
      },
    );
  }
}

/**
 * Rebuilds a quantized model on a float model of the same structure. Ranges are 1 until `loadStateDict`.
 * The given model is not changed.
 * @throws ValidationError if the model does not have the operations that the configuration names.
 */
export function loadFromConfig<M extends Module>(model: M, config: QuantizationConfig): QuantizedModel<M> {
  checkConfig(config);
  const traced = trace(model, config.inputs, {
    dynamicBatch: false,
    inputNames: config.inputs.map(({ name }) => name),
  });
  const graph = copyGraph(traced.graph);
  const insertions = config.quantizers.map(({ target, spec, shape, shares }): QuantizerInsertion => {
    if (!graph.nodes.some((node) => node.name === target.node)) {
      throw new ValidationError(
        'CONFIG_MODEL_MISMATCH',
        `The quantization configuration names the operation '${target.node}', which this model does not have. Use the model it was made from.`,
        { node: target.node },
      );
    }
    const parameters = (spec.mode === 'symmetric' ? ['scale'] : ['inputLow', 'inputRange']).map(() => ones(shape));
    return { target, spec, parameters, shares };
  });
  insertQuantizers(graph, insertions);
  const quantized = new QuantizedModel<M>(graph, traced.structure, config.record).train(model.training);
  const byName = new Map(quantized.quantizers.map((quantizer) => [quantizer.name, quantizer]));
  config.quantizers.forEach(({ enabled }, index) => {
    if (!enabled) byName.get(quantizerName(config.quantizers[index].target))?.disable();
  });
  return quantized;
}
