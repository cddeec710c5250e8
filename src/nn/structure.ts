/** The shape of what `forward` returns: one tensor, an array or a record of them, possibly nested. */
import { TraceError } from '../errors.js';
import { Tensor } from '../tensor/tensor.js';

/** A model's result with the tensors replaced by their position in a flat list. */
export type OutputStructure = number | OutputStructure[] | { [key: string]: OutputStructure };

/**
 * Takes a result apart. `names` gives each tensor a name from its place in the result.
 * @throws TraceError `UNTRACEABLE_OUTPUT` for anything but tensors in it; `what` begins the message.
 */
export function flattenOutputs(
  result: unknown,
  what = 'What forward() returns',
): { tensors: Tensor[]; names: string[]; structure: OutputStructure } {
  const tensors: Tensor[] = [];
  const names: string[] = [];
  const visit = (value: unknown, name: string): OutputStructure => {
    if (value instanceof Tensor) {
      names.push(name);
      return tensors.push(value) - 1;
    }
    if (Array.isArray(value))
      return value.map((item, index) => visit(item, name === '' ? `output_${index}` : `${name}_${index}`));
    if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, visit(item, name === '' ? key : `${name}_${key}`)]),
      );
    }
    const found = value === null ? 'null' : value instanceof Promise ? 'a promise' : typeof value;
    throw new TraceError(
      'UNTRACEABLE_OUTPUT',
      `${what} must be tensors, or arrays or plain objects of them; found ${found}${name === '' ? '' : ` at '${name}'`}.`,
    );
  };
  const structure = visit(result, '');
  return { tensors, names: names.map((name) => (name === '' ? 'output' : name)), structure };
}

/** Puts a result together again. */
export function buildOutputs(structure: OutputStructure, tensors: readonly Tensor[]): unknown {
  if (typeof structure === 'number') return tensors[structure];
  if (Array.isArray(structure)) return structure.map((item) => buildOutputs(item, tensors));
  return Object.fromEntries(Object.entries(structure).map(([key, item]) => [key, buildOutputs(item, tensors)]));
}
