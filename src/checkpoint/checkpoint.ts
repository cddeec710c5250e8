/**
 * Checkpoints: one safetensors file with everything a training needs to go on as if it had not stopped:
 * weights and quantizer ranges, optimizer, schedulers, random generators, the loader's position, and the
 * quantizer configuration. Anything with `stateDict()` and `loadStateDict()` can be part of one.
 */
import { CheckpointError, QuantGradError } from '../errors.js';
import { writeFileAtomic } from '../files/atomicFile.js';
import { readFileBytes } from '../files/readFile.js';
import type { Module } from '../nn/module.js';
import { getConfig, loadFromConfig, type QuantizationConfig } from '../quant/config.js';
import { QuantizedModel } from '../quant/quantizedModel.js';
import { fromValues } from '../tensor/create.js';
import { defaultGenerator, Generator, type GeneratorState } from '../tensor/random.js';
import type { Tensor } from '../tensor/tensor.js';
import { decodeCheckpointFile, encodeCheckpointFile } from './checkpointFile.js';
import { type Packed, packState, unpackState } from './packing.js';
import type { HostTensor } from './safetensors.js';

/** The version of the format that this library writes, and the newest it reads. */
export const CHECKPOINT_VERSION = 1;

/** Something whose state can be saved: an optimizer, a scheduler, a loader. */
export interface Stateful {
  stateDict(): unknown;
  loadStateDict(state: never): unknown;
}

/**
 * What goes into a checkpoint: the model, and anything else by a name of the user's choice: optimizers,
 * schedulers, loaders, random generators, and plain JSON such as an epoch number.
 */
export interface CheckpointContents {
  /** The model, quantized or not. */
  model: Module;
  [name: string]: unknown;
}

/** The file's description of itself, in its metadata. */
interface Manifest {
  readonly model: {
    /** Present if the model is quantized. */
    readonly quantization?: QuantizationConfig;
    readonly training: boolean;
    /** Names of parameters that need no gradient. */
    readonly frozen: readonly string[];
  };
  readonly defaultGenerator: GeneratorState;
  readonly parts: Readonly<Record<string, Packed>>;
}

const MODEL_PREFIX = 'model.';
const VERSION_KEY = 'quantgrad.version';
const MANIFEST_KEY = 'quantgrad.manifest';

const isStateful = (value: unknown): value is Stateful =>
  typeof value === 'object' &&
  value !== null &&
  'stateDict' in value &&
  'loadStateDict' in value &&
  typeof value.stateDict === 'function';

/**
 * A checkpoint as the bytes of a safetensors file. The state is taken at the time of the call; training may go
 * on while the promise is pending.
 */
export async function serializeCheckpoint(contents: CheckpointContents): Promise<Uint8Array> {
  const { model, ...rest } = contents;
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of model.stateDict()) tensors.set(`${MODEL_PREFIX}${name}`, tensor);
  const parts = Object.fromEntries(
    Object.entries(rest)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        const state = isStateful(value) ? value.stateDict() : value instanceof Generator ? value.state() : value;
        return [name, packState(name, state, tensors)];
      }),
  );
  const manifest: Manifest = {
    model: {
      quantization: model instanceof QuantizedModel ? getConfig(model) : undefined,
      training: model.training,
      frozen: [...model.namedParameters()].filter(([, parameter]) => !parameter.requiresGrad).map(([name]) => name),
    },
    defaultGenerator: defaultGenerator().state(),
    parts,
  };
  const metadata = { [VERSION_KEY]: String(CHECKPOINT_VERSION), [MANIFEST_KEY]: JSON.stringify(manifest) };
  const host = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors)
    host.set(name, { dtype: tensor.dtype, shape: tensor.shape, data: await tensor.data() });
  return encodeCheckpointFile(host, metadata);
}

/**
 * Writes a checkpoint. At every moment the path holds either the complete old file or the complete new one.
 * @throws FileError if the path cannot be written; the old file is then still there.
 */
export async function saveCheckpoint(path: string, contents: CheckpointContents): Promise<void> {
  await writeFileAtomic(path, await serializeCheckpoint(contents));
}

/** Builds a part that needs the restored model, such as an optimizer over its parameters. */
export type PartFactory<M> = (restored: { readonly model: M; readonly [name: string]: unknown }) => unknown;

/** What to restore into: a float model (or the quantized one), and the parts by the names they were saved under. */
export interface RestoreTargets<M extends Module> {
  /** The model the checkpoint was made from, freshly built; it is quantized again if the checkpoint is of a quantized one. */
  model: M;
  /** Objects with `loadStateDict`, generators, or functions that build one from what is restored already. */
  [name: string]: unknown;
}

/** What a checkpoint gives back. */
export interface RestoredCheckpoint<M extends Module> {
  /** The restored model: quantized if the saved one was. */
  readonly model: M extends QuantizedModel ? M : QuantizedModel<M> | M;
  /** The parts that were restored, and the JSON values. */
  readonly [name: string]: unknown;
}

/** As `loadCheckpoint`, from the bytes of a file. @param where Names the file in errors. */
export function deserializeCheckpoint<M extends Module>(
  bytes: Uint8Array,
  targets: RestoreTargets<M>,
  where = 'checkpoint',
): RestoredCheckpoint<M> {
  const { tensors, manifest } = readManifest(bytes, where);
  const { model: given, ...rest } = targets;
  const model = restoreModel(given, manifest, tensors, where);
  const restored: Record<string, unknown> & { model: Module } = { model };
  const loads: (() => void)[] = [];
  for (const [name, target] of Object.entries(rest)) {
    const packed = manifest.parts[name];
    if (packed === undefined) {
      throw new CheckpointError(
        'MISSING_PART',
        `${where}: it holds no '${name}'; it has ${['model', ...Object.keys(manifest.parts)].join(', ')}.`,
        { where, name },
      );
    }
    const part = typeof target === 'function' ? (target as PartFactory<Module>)(restored) : target;
    const state = unpackState(packed, tensors);
    if (isStateful(part)) loads.push(() => part.loadStateDict(state as never));
    else if (part instanceof Generator) loads.push(() => part.setState(state as GeneratorState));
    else
      throw new CheckpointError(
        'NOT_RESTORABLE',
        `${where}: '${name}' cannot be restored into a ${typeof part}; give an object with loadStateDict(), or a function that returns one.`,
        { name },
      );
    restored[name] = part;
  }
  for (const load of loads) explain(load, where);
  for (const [name, packed] of Object.entries(manifest.parts))
    if (!(name in restored)) restored[name] = unpackState(packed, tensors);
  defaultGenerator().setState(manifest.defaultGenerator);
  return restored as unknown as RestoredCheckpoint<M>;
}

/**
 * Restores a checkpoint: the model, the parts given in `targets`, and the default random generator.
 * @throws CheckpointError if the file is damaged, of a newer version, or of another model.
 */
export async function loadCheckpoint<M extends Module>(
  path: string,
  targets: RestoreTargets<M>,
): Promise<RestoredCheckpoint<M>> {
  return deserializeCheckpoint(await readFileBytes(path), targets, path);
}

function readManifest(bytes: Uint8Array, where: string): { tensors: Map<string, Tensor>; manifest: Manifest } {
  const content = decodeCheckpointFile(bytes, where);
  const version = Number(content.metadata[VERSION_KEY]);
  if (!(version <= CHECKPOINT_VERSION)) {
    throw new CheckpointError(
      'NEWER_VERSION',
      `${where}: the checkpoint has version ${content.metadata[VERSION_KEY]}, but this library reads up to ${CHECKPOINT_VERSION}. Update quantgrad.`,
      {
        where,
        version,
      },
    );
  }
  const tensors = new Map(
    [...content.tensors].map(([name, { data, shape, dtype }]) => [name, fromValues(data, shape, dtype)]),
  );
  try {
    return { tensors, manifest: JSON.parse(content.metadata[MANIFEST_KEY]) as Manifest };
  } catch (error) {
    throw new CheckpointError(
      'BAD_MANIFEST',
      `${where}: its description (${MANIFEST_KEY}) cannot be read; the file was not written by saveCheckpoint().`,
      { where },
      error,
    );
  }
}

function restoreModel(given: Module, manifest: Manifest, tensors: ReadonlyMap<string, Tensor>, where: string): Module {
  const state = new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(MODEL_PREFIX))
      .map(([name, tensor]) => [name.slice(MODEL_PREFIX.length), tensor]),
  );
  const { quantization, frozen, training } = manifest.model;
  return explain(() => {
    const model = quantization && !(given instanceof QuantizedModel) ? loadFromConfig(given, quantization) : given;
    model.loadStateDict(state);
    const off = new Set(frozen);
    for (const [name, parameter] of model.namedParameters()) parameter.requiresGrad = !off.has(name);
    return model.train(training);
  }, where);
}

/** Says of which checkpoint an error is. */
function explain<T>(body: () => T, where: string): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof QuantGradError) || error instanceof CheckpointError) throw error;
    throw new CheckpointError(
      'CHECKPOINT_MISMATCH',
      `${where}: the checkpoint does not belong to what it is restored into. ${error.message}`,
      { where, ...error.details },
      error,
    );
  }
}
