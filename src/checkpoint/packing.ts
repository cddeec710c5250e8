/**
 * States as JSON and tensors. What `stateDict()` gives is a tree of plain values, maps and tensors; the
 * tensors go into the file by name, and the tree, with references to them, into its metadata.
 */
import { CheckpointError, ValidationError } from '../errors.js';
import { Tensor } from '../tensor/tensor.js';

/** JSON with `{ $tensor: name }`, `{ $map: {..} }` and `{ $number: text }` for what JSON does not have. */
export type Packed = string | number | boolean | null | Packed[] | { [key: string]: Packed };

const RESERVED = ['$tensor', '$map', '$number'];

const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value));
/** JSON has no NaN and no infinities, and its writer drops the sign of zero. */
const isJsonNumber = (value: number): boolean => Number.isFinite(value) && !Object.is(value, -0);

/** Packs a state; its tensors are added to `tensors` under dotted names that begin with `name`. */
export function packState(name: string, value: unknown, tensors: Map<string, Tensor>): Packed {
  if (value instanceof Tensor) {
    const unique = uniqueName(name, tensors);
    tensors.set(unique, value.detach());
    return { $tensor: unique };
  }
  if (typeof value === 'number' && !isJsonNumber(value))
    return { $number: Object.is(value, -0) ? '-0' : String(value) };
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (Array.isArray(value)) return value.map((item, index) => packState(`${name}.${index}`, item, tensors));
  if (value instanceof Map) return { $map: packEntries(name, value, tensors) };
  if (typeof value === 'object' && isPlain(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    const reserved = entries.find(([key]) => RESERVED.includes(key));
    if (reserved) throw notSaveable(name, `it has the key '${reserved[0]}', which the format uses itself`);
    return packEntries(name, entries, tensors);
  }
  throw notSaveable(name, `it is a ${typeof value === 'object' ? value.constructor.name : typeof value}`);
}

/** Different places of a tree can have the same dotted name: `{ 'a.b': .. }` and `{ a: { b: .. } }`. */
function uniqueName(name: string, taken: ReadonlyMap<string, unknown>): string {
  let unique = name;
  for (let number = 1; taken.has(unique); number++) unique = `${name}#${number}`;
  return unique;
}

function packEntries(
  name: string,
  entries: Iterable<readonly [unknown, unknown]>,
  tensors: Map<string, Tensor>,
): Record<string, Packed> {
  return Object.fromEntries(
    [...entries].map(([key, item]) => {
      if (typeof key !== 'string')
        throw notSaveable(name, `it is a Map with the key ${String(key)}, which is no string`);
      return [key, packState(`${name}.${key}`, item, tensors)];
    }),
  );
}

const notSaveable = (name: string, why: string): ValidationError =>
  new ValidationError(
    'NOT_SAVEABLE',
    `A checkpoint cannot hold '${name}': ${why}. Save plain JSON, tensors, or objects with stateDict() and loadStateDict().`,
    { name },
  );

/** The state that was packed. */
export function unpackState(packed: Packed, tensors: ReadonlyMap<string, Tensor>): unknown {
  if (Array.isArray(packed)) return packed.map((item) => unpackState(item, tensors));
  if (packed === null || typeof packed !== 'object') return packed;
  if (typeof packed.$tensor === 'string') {
    const tensor = tensors.get(packed.$tensor);
    if (!tensor) {
      throw new CheckpointError(
        'MISSING_TENSOR',
        `The checkpoint refers to a tensor '${packed.$tensor}' that it does not hold; it is damaged.`,
      );
    }
    return tensor;
  }
  if (typeof packed.$number === 'string') return Number(packed.$number);
  const map = packed.$map as { [key: string]: Packed } | undefined;
  const entries = Object.entries(map ?? packed).map(([key, item]) => [key, unpackState(item, tensors)] as const);
  return map === undefined ? Object.fromEntries(entries) : new Map(entries);
}
