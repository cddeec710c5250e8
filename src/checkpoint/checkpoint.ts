/**
 * Checkpoints: one safetensors file with everything a training needs to go on as if it had not stopped:
 * weights and quantizer ranges, optimizer, schedulers, random generators, the loader's position, and the
 * quantizer configuration. Anything with `stateDict()` and `loadStateDict()` can be part of one.
 */
import { CheckpointError, QuantGradError, ValidationError } from '../errors.js';
import { writeFileAtomic } from '../files/atomicFile.js';
import { readFileBytes } from '../files/readFile.js';
import { Module } from '../nn/module.js';
import type { QuantizedModel } from '../quant/quantizedModel.js';
import { fromValues } from '../tensor/create.js';
import { defaultGenerator, Generator, type GeneratorState } from '../tensor/random.js';
import type { Tensor } from '../tensor/tensor.js';
import { decodeCheckpointFile, encodeCheckpointFile } from './checkpointFile.js';
import { type Manifest, manifestMetadata, readManifest } from './manifest.js';
import { describeModel, restoreModel, snapshotModel } from './modelState.js';
import { packState, unpackState } from './packing.js';
import type { HostTensor } from './safetensors.js';

/** Something whose state can be saved: an optimizer, a scheduler, a loader. */
export interface Stateful {
  stateDict(): unknown;
  loadStateDict(state: never): unknown;
}

/**
 * What goes into a checkpoint: the model, and anything else by a name of the user's choice: optimizers,
 * schedulers, loaders, random generators, tensors, and plain JSON such as an epoch number.
 */
export interface CheckpointContents {
  /** The model, quantized or not. */
  model: Module;
  [name: string]: unknown;
}

const MODEL_PREFIX = 'model.';

const isStateful = (value: unknown): value is Stateful =>
  typeof value === 'object' &&
  value !== null &&
  'stateDict' in value &&
  typeof value.stateDict === 'function' &&
  'loadStateDict' in value &&
  typeof value.loadStateDict === 'function';

const stateOf = (value: unknown): unknown =>
  isStateful(value) ? value.stateDict() : value instanceof Generator ? value.state() : value;

function checkModel(where: string, model: unknown): asserts model is Module {
  if (model instanceof Module) return;
  throw new ValidationError('NO_MODEL', `${where}: 'model' must be a module, such as { model: network, optimizer }.`);
}

/**
 * A checkpoint as the bytes of a safetensors file. The state is taken at the time of the call; training may go
 * on while the promise is pending. Gradients are not part of it.
 * @throws ValidationError `NOT_SAVEABLE` for what a checkpoint cannot hold, such as a function.
 */
export async function serializeCheckpoint(contents: CheckpointContents): Promise<Uint8Array> {
  const { model, ...rest } = contents;
  checkModel('saveCheckpoint', model);
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of model.stateDict()) tensors.set(`${MODEL_PREFIX}${name}`, tensor);
  const manifest: Manifest = {
    model: describeModel(model),
    defaultGenerator: defaultGenerator().state(),
    parts: Object.fromEntries(
      Object.entries(rest)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, packState(partName(name), stateOf(value), tensors)]),
    ),
  };
  const host = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    host.set(name, { dtype: tensor.dtype, shape: tensor.shape, data: await tensor.data() });
  }
  return encodeCheckpointFile(host, manifestMetadata(manifest));
}

/** Tensors of the model and of the parts have names in one file; these are told apart by how they begin. */
function partName(name: string): string {
  if (!name.startsWith(MODEL_PREFIX)) return name;
  throw new ValidationError(
    'NOT_SAVEABLE',
    `saveCheckpoint: '${name}' begins as the names of the model's tensors do; give it another name.`,
    { name },
  );
}

/**
 * Writes a checkpoint. At every moment the path holds either the complete old file or the complete new one.
 * @throws FileError if the path cannot be written; the old file is then still there.
 * @throws ValidationError as for `serializeCheckpoint`
 */
export async function saveCheckpoint(path: string, contents: CheckpointContents): Promise<void> {
  await writeFileAtomic(path, await serializeCheckpoint(contents));
}

/** The restored model: quantized if the saved one was. */
export type RestoredModel<M extends Module> = M extends QuantizedModel ? M : QuantizedModel<M> | M;

/** Builds a part that needs the restored model, such as an optimizer over its parameters; gets what stands before it. */
export type PartFactory<M extends Module> = (built: {
  readonly model: RestoredModel<M>;
  readonly [name: string]: unknown;
}) => Stateful | Generator;

/** What to restore into: a float model (or the quantized one), and the parts by the names they were saved under. */
export interface RestoreTargets<M extends Module> {
  /** The model the checkpoint was made from, freshly built; it is quantized again if the checkpoint is of a quantized one. */
  model: M;
  /** Objects with `loadStateDict`, generators, or functions that build one from what is built already. */
  [name: string]: M | Stateful | Generator | PartFactory<M>;
}

/** What a checkpoint gives back: the model, the parts that were asked for, and the other parts as they were saved. */
export type RestoredCheckpoint<M extends Module, Targets> = {
  readonly [Name in Exclude<keyof Targets, 'model'>]: Targets[Name] extends (...values: never[]) => infer Part
    ? Part
    : Targets[Name];
} & { readonly model: RestoredModel<M>; readonly [name: string]: unknown };

/** As `loadCheckpoint`, from the bytes of a file. @param where Names the file in errors. */
export function deserializeCheckpoint<M extends Module, Targets extends RestoreTargets<M>>(
  bytes: Uint8Array,
  targets: Targets & { model: M },
  where = 'checkpoint',
): RestoredCheckpoint<M, Targets> {
  const { model, ...rest } = targets as RestoreTargets<M>;
  checkModel('loadCheckpoint', model);
  const content = decodeCheckpointFile(bytes, where);
  const manifest = readManifest(content.metadata, where);
  const backend = model.parameters()[0]?.backend;
  const tensors = new Map(
    [...content.tensors].map(([name, { data, shape, dtype }]) => [name, fromValues(data, shape, dtype, { backend })]),
  );
  const missing = Object.keys(rest).find((name) => !Object.hasOwn(manifest.parts, name));
  if (missing !== undefined) {
    const held = ['model', ...Object.keys(manifest.parts)].join(', ');
    throw new CheckpointError('MISSING_PART', `${where}: it holds no '${missing}'; it has ${held}.`, {
      where,
      name: missing,
    });
  }
  const undo = snapshot([model, ...Object.values(rest), defaultGenerator()]);
  try {
    return restore(model, rest, manifest, tensors) as RestoredCheckpoint<M, Targets>;
  } catch (error) {
    undo();
    if (!(error instanceof QuantGradError) || error instanceof CheckpointError) throw error;
    throw new CheckpointError(
      'CHECKPOINT_MISMATCH',
      `${where}: the checkpoint does not belong to what it is restored into; nothing was changed. ${error.message}`,
      { where, ...error.details },
      error,
    );
  }
}

/**
 * Restores a checkpoint: the model, the parts given in `targets`, and the default random generator. If that is
 * not possible, everything stays as it was.
 * @throws CheckpointError if the file is damaged, of a newer version, or of another model, or lacks a part.
 * @throws FileError if the path cannot be read.
 */
export async function loadCheckpoint<M extends Module, Targets extends RestoreTargets<M>>(
  path: string,
  targets: Targets & { model: M },
): Promise<RestoredCheckpoint<M, Targets>> {
  return deserializeCheckpoint<M, Targets>(await readFileBytes(path), targets, path);
}

function restore(
  given: Module,
  targets: Readonly<Record<string, unknown>>,
  manifest: Manifest,
  tensors: ReadonlyMap<string, Tensor>,
): Record<string, unknown> {
  const state = new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(MODEL_PREFIX))
      .map(([name, tensor]) => [name.slice(MODEL_PREFIX.length), tensor]),
  );
  const built: Record<string, unknown> & { model: Module } = { model: restoreModel(given, manifest.model, state) };
  for (const [name, target] of Object.entries(targets)) {
    built[name] = typeof target === 'function' ? (target as PartFactory<Module>)(built) : target;
  }
  // States are loaded when everything is built: making a scheduler changes the optimizer it is for.
  for (const [name, packed] of Object.entries(manifest.parts)) {
    const saved = unpackState(packed, tensors);
    if (Object.hasOwn(targets, name)) loadPart(name, built[name], saved);
    else built[name] = saved;
  }
  defaultGenerator().setState(manifest.defaultGenerator);
  return built;
}

function loadPart(name: string, part: unknown, saved: unknown): void {
  if (isStateful(part)) part.loadStateDict(saved as never);
  else if (part instanceof Generator) part.setState(saved as GeneratorState);
  else {
    throw new ValidationError(
      'NOT_RESTORABLE',
      `'${name}' cannot be restored into a ${part === null ? 'null' : typeof part}; give an object with loadStateDict(), or a function that returns one.`,
      { name },
    );
  }
}

/** A function that gives every object the state that it has now. */
function snapshot(targets: readonly unknown[]): () => void {
  const undos = targets.map((target): (() => void) => {
    if (target instanceof Module) return snapshotModel(target);
    if (!isStateful(target) && !(target instanceof Generator)) return () => {};
    const state = stateOf(target);
    return () => loadPart('', target, state);
  });
  return () => {
    for (const undo of undos) undo();
  };
}
