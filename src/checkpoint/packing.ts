/**
 * States as JSON and tensors. What `stateDict()` gives is a tree of plain values, maps and tensors; the
 * tensors go into the file by name, and the tree, with references to them, into its metadata.
 */
import { CheckpointError, ValidationError } from '../errors.js';
import { Tensor } from '../tensor/tensor.js';

/** JSON with `{ $tensor: name }`, `{ $map: {..} }` and `{ $number: text }` for what JSON does not have. */
export type Packed = string | number | boolean | null | Packed[] | { [key: string]: Packed };

const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** Packs a state; its tensors are added to `tensors` under dotted names that begin with `name`. */
export function packState(name: string, value: unknown, tensors: Map<string, Tensor>): Packed {
  if (value instanceof Tensor) {
    tensors.set(name, value.detach());
    return { $tensor: name };
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (Array.isArray(value)) return value.map((item, index) => packState(`${name}.${index}`, item, tensors));
  if (value instanceof Map) return { $map: packEntries(name, value, tensors) };
  if (typeof value === 'object' && isPlain(value)) {
    return packEntries(
      name,
      Object.entries(value).filter(([, item]) => item !== undefined),
      tensors,
    );
  }
  throw new ValidationError(
    'NOT_SAVEABLE',
    `A checkpoint cannot hold '${name}': it is a ${typeof value === 'object' ? value.constructor.name : typeof value}. Save plain JSON, tensors, or objects with stateDict().`,
    {
      name,
    },
  );
}

function packEntries(
  name: string,
  entries: Iterable<readonly [string, unknown]>,
  tensors: Map<string, Tensor>,
): Record<string, Packed> {
  return Object.fromEntries([...entries].map(([key, item]) => [key, packState(`${name}.${key}`, item, tensors)]));
}

/** The state that was packed. */
export function unpackState(packed: Packed, tensors: ReadonlyMap<string, Tensor>): unknown {
  if (Array.isArray(packed)) return packed.map((item) => unpackState(item, tensors));
  if (packed === null || typeof packed !== 'object') return packed;
  if (typeof packed.$tensor === 'string') {
    const tensor = tensors.get(packed.$tensor);
    if (!tensor)
      throw new CheckpointError(
        'MISSING_TENSOR',
        `The checkpoint refers to a tensor '${packed.$tensor}' that it does not hold; it is damaged.`,
      );
    return tensor;
  }
  if (typeof packed.$number === 'string') return Number(packed.$number);
  const entries = Object.entries(packed.$map ?? packed).map(
    ([key, item]) => [key, unpackState(item as Packed, tensors)] as const,
  );
  return packed.$map === undefined ? Object.fromEntries(entries) : new Map(entries);
}
