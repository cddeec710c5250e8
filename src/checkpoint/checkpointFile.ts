/** A safetensors file with a checksum in its metadata: what is read is what was written, or an error. */
import { CheckpointError, FormatError, UnsupportedError, ValidationError } from '../errors.js';
import { CHECKSUM_KEY, checksum } from './checksum.js';
import { decodeSafetensors, encodeSafetensors, type HostTensor, type Safetensors } from './safetensors.js';

/**
 * The bytes of a checkpoint: a safetensors file that any reader of the format can open.
 *
 * @throws ValidationError for tensors or metadata that the format cannot hold, or metadata under the checksum's key
 */
export function encodeCheckpointFile(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  if (Object.hasOwn(metadata, CHECKSUM_KEY)) {
    throw new ValidationError('BAD_METADATA', `The metadata ${CHECKSUM_KEY} is computed; give your own another name.`);
  }
  return encodeSafetensors(tensors, { ...metadata, [CHECKSUM_KEY]: checksum(tensors, metadata) });
}

/**
 * The tensors and metadata (without the checksum) of a checkpoint whose content is verified.
 *
 * @param bytes the whole file
 * @param where what the bytes are, for messages, such as a path
 * @throws CheckpointError with `decodeSafetensors`'s code when the file is damaged, `NO_CHECKSUM` when it was
 *   not written as a checkpoint, `CHECKSUM_MISMATCH` when its content is not what was written
 */
export function decodeCheckpointFile(bytes: Uint8Array, where = 'checkpoint'): Safetensors {
  let content: Safetensors;
  try {
    content = decodeSafetensors(bytes, where);
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof UnsupportedError)) throw error;
    throw new CheckpointError(error.code, error.message, error.details, error);
  }
  const { [CHECKSUM_KEY]: written, ...metadata } = content.metadata;
  if (written === undefined) {
    throw new CheckpointError(
      'NO_CHECKSUM',
      `${where}: there is no checksum, so this was not written as a checkpoint, or it is damaged. ` +
        'Give a file of saveCheckpoint().',
      { where },
    );
  }
  const computed = checksum(content.tensors, metadata);
  if (computed !== written) {
    throw new CheckpointError(
      'CHECKSUM_MISMATCH',
      `${where}: the content was changed or damaged after it was written (checksum ${computed} instead of ${written}). ` +
        'Take another copy or an older checkpoint.',
      { where, written, computed },
    );
  }
  return { tensors: content.tensors, metadata };
}
