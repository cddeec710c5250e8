/** What a checkpoint says of a model besides its tensors, and how both are put into a model. */
import { ValidationError } from '../errors.js';
import type { Module, StateDict } from '../nn/module.js';
import { applySwitches, getConfig, loadFromConfig, type QuantizationConfig, sameQuantizers } from '../quant/config.js';
import { QuantizedModel } from '../quant/quantizedModel.js';

/** Plain JSON. */
export interface ModelDescription {
  /** Present if the model is quantized. */
  readonly quantization?: QuantizationConfig;
  /** Whether the model itself trains. */
  readonly training: boolean;
  /** Paths of the modules inside that are in the other mode, such as batch normalisation that is kept frozen. */
  readonly otherMode: readonly string[];
  /** Names of parameters that need no gradient. */
  readonly frozen: readonly string[];
}

export function describeModel(model: Module): ModelDescription {
  return {
    quantization: model instanceof QuantizedModel ? getConfig(model) : undefined,
    training: model.training,
    otherMode: [...model.namedModules()]
      .filter(([, { training }]) => training !== model.training)
      .map(([path]) => path),
    frozen: [...model.namedParameters()].filter(([, { requiresGrad }]) => !requiresGrad).map(([name]) => name),
  };
}

/**
 * The model with the saved state: the given one, or a quantized one built from it.
 * @throws ValidationError if the state is not one of this model
 */
export function restoreModel(given: Module, description: ModelDescription, state: StateDict): Module {
  const { quantization, training } = description;
  const model = quantization ? quantizedModel(given, quantization) : given;
  model.loadStateDict(state);
  const frozen = new Set(description.frozen);
  for (const [name, parameter] of model.namedParameters()) parameter.requiresGrad = !frozen.has(name);
  const otherMode = new Set(description.otherMode);
  for (const [path, module] of model.namedModules()) module.training = otherMode.has(path) ? !training : training;
  return model;
}

function quantizedModel(given: Module, config: QuantizationConfig): QuantizedModel {
  if (!(given instanceof QuantizedModel)) return loadFromConfig(given, config);
  if (!sameQuantizers(getConfig(given), config)) {
    throw new ValidationError(
      'QUANTIZERS_MISMATCH',
      'The quantizers of the model are not those that were saved: their places, bit widths or modes differ. Give the float model, and the saved quantizers are built on it.',
    );
  }
  applySwitches(given, config);
  return given;
}

/** A function that gives the model the state it has now. */
export function snapshotModel(model: Module): () => void {
  const state = model.stateDict();
  const gradients = model.parameters().map((parameter) => [parameter, parameter.requiresGrad] as const);
  const modes = model.modules().map((module) => [module, module.training] as const);
  const quantized = model instanceof QuantizedModel ? ([model, getConfig(model)] as const) : null;
  return () => {
    model.loadStateDict(state);
    for (const [parameter, requiresGrad] of gradients) parameter.requiresGrad = requiresGrad;
    for (const [module, training] of modes) module.training = training;
    if (quantized) applySwitches(...quantized);
  };
}
