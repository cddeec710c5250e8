/** A checkpoint's description of itself, as it stands in the metadata of the file. */
import { CheckpointError } from '../errors.js';
import type { GeneratorState } from '../tensor/random.js';
import type { ModelDescription } from './modelState.js';
import type { Packed } from './packing.js';

/** The version of the format that this library writes, and the newest it reads. */
export const CHECKPOINT_VERSION = 1;

export interface Manifest {
  readonly model: ModelDescription;
  readonly defaultGenerator: GeneratorState;
  readonly parts: Readonly<Record<string, Packed>>;
}

const VERSION_KEY = 'quantgrad.version';
const MANIFEST_KEY = 'quantgrad.manifest';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isManifest = (value: unknown): value is Manifest =>
  isRecord(value) &&
  isRecord(value.parts) &&
  isRecord(value.defaultGenerator) &&
  isRecord(value.model) &&
  typeof value.model.training === 'boolean' &&
  Array.isArray(value.model.otherMode) &&
  Array.isArray(value.model.frozen);

export const manifestMetadata = (manifest: Manifest): Record<string, string> => ({
  [VERSION_KEY]: String(CHECKPOINT_VERSION),
  [MANIFEST_KEY]: JSON.stringify(manifest),
});

/** @throws CheckpointError `NOT_A_CHECKPOINT`, `NEWER_VERSION`, `BAD_MANIFEST` */
export function readManifest(metadata: Readonly<Record<string, string>>, where: string): Manifest {
  const text = metadata[VERSION_KEY];
  const version = Number(text);
  if (text === undefined || !Number.isInteger(version) || version < 1) {
    throw new CheckpointError(
      'NOT_A_CHECKPOINT',
      `${where}: the file does not say which version of checkpoint it is (${VERSION_KEY}); it was not written by saveCheckpoint().`,
      { where },
    );
  }
  if (version > CHECKPOINT_VERSION) {
    throw new CheckpointError(
      'NEWER_VERSION',
      `${where}: the checkpoint has version ${version}, but this library reads up to ${CHECKPOINT_VERSION}. Update quantgrad.`,
      { where, version },
    );
  }
  const manifest = parse(metadata[MANIFEST_KEY]);
  if (!isManifest(manifest)) {
    throw new CheckpointError(
      'BAD_MANIFEST',
      `${where}: its description (${MANIFEST_KEY}) cannot be read; the file was not written by saveCheckpoint().`,
      { where },
    );
  }
  return manifest;
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}
