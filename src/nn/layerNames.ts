/** Names of the layers of a Functional model: as given, or from their classes. */
import { ValidationError } from '../errors.js';
import { Module } from './module.js';

/**
 * A name for each layer, in the order of first use.
 * @param given Names chosen by the user.
 * @throws ValidationError for a given name that cannot be one, or whose layer is not among `layers`.
 */
export function nameLayers(
  layers: readonly Module[],
  given: Readonly<Record<string, Module>>,
): ReadonlyMap<string, Module> {
  const chosen = new Map<Module, string>();
  for (const [name, layer] of Object.entries(given)) {
    if (name === '' || /[./]/.test(name)) {
      throw new ValidationError(
        'BAD_NAME',
        `Functional: '${name}' cannot name a layer: a name is not empty and has no dot or slash.`,
      );
    }
    if (!(layer instanceof Module) || !layers.includes(layer)) {
      throw new ValidationError(
        'UNUSED_LAYER',
        `Functional: the layer named '${name}' is not used between the inputs and the outputs.`,
      );
    }
    if (chosen.has(layer)) {
      throw new ValidationError('TWO_NAMES', `Functional: '${chosen.get(layer)}' and '${name}' name the same layer.`);
    }
    chosen.set(layer, name);
  }
  const names = new Set(chosen.values());
  const named = [...new Set(layers)].map((layer): [string, Module] => [
    chosen.get(layer) ?? uniqueName(lowerCamelCase(layer.constructor.name), names),
    layer,
  ]);
  return new Map(named);
}

/** `base`, or `base_1`, `base_2`, ... if it is taken; adds the result to `taken`. */
export function uniqueName(base: string, taken: Set<string>): string {
  let name = base;
  for (let count = 1; taken.has(name); count++) name = `${base}_${count}`;
  taken.add(name);
  return name;
}

/** Conv2d -> conv2d, ReLU6 -> relu6, LeakyReLU -> leakyRelu, MSELoss -> mseLoss. */
export function lowerCamelCase(className: string): string {
  if (className === '') return 'layer';
  return className
    .replace(/[A-Z]{2,}(?=\d*$)/, (acronym) => acronym.toLowerCase())
    .replace(/^(?:[A-Z]+(?=[A-Z][a-z])|[A-Z])/, (start) => start.toLowerCase());
}
