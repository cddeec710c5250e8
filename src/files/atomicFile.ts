/**
 * Writing files so that whoever opens them finds the old content or the new one, never a part: the
 * bytes go to a temporary file in the same directory, reach the disk (fsync), and take the target's
 * name in one step (rename). A process that is killed at any moment leaves at most a temporary file,
 * which the next write of the same target removes. Node only.
 */
import type { FileHandle } from 'node:fs/promises';
import { ValidationError } from '../errors.js';
import { checkPath, fileError } from './fileError.js';
import { loadNodeModules, type NodeModules } from './nodeModules.js';
import { removeAbandonedFiles, temporaryPath } from './temporaryFile.js';

/** Content of a file, in one piece or several that follow each other. */
export type FileContent = Uint8Array | readonly Uint8Array[];

export interface FileToWrite {
  readonly path: string;
  readonly bytes: FileContent;
}

/** A file that is complete on the disk under a temporary name. */
interface StagedFile {
  /** The path as the caller gave it, for messages. */
  readonly path: string;
  /** Where it goes: the path behind symbolic links. */
  readonly target: string;
  /** Undefined when the target is a device or a pipe, which has its bytes already. */
  readonly temporary: string | undefined;
}

async function orUndefinedIfMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: FileContent): Promise<void> {
  for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await file.writeFile(piece);
}

async function removeQuietly({ fs }: NodeModules, path: string): Promise<void> {
  // The failure that led here is what the caller needs to hear.
  await fs.unlink(path).catch(() => undefined);
}

async function stage(node: NodeModules, { path, bytes }: FileToWrite): Promise<StagedFile> {
  const { fs } = node;
  const target = (await orUndefinedIfMissing(fs.realpath(path))) ?? path;
  const existing = await orUndefinedIfMissing(fs.stat(target));
  if (existing?.isDirectory()) throw Object.assign(new Error('it is a directory'), { code: 'EISDIR' });
  if (existing !== undefined) {
    // Renaming would replace a write-protected file without asking.
    await fs.access(target, fs.constants.W_OK);
    if (!existing.isFile()) {
      // A device or a pipe has no content to protect, and must not be replaced by a file.
      const device = await fs.open(target, 'w');
      try {
        await writeAll(device, bytes);
      } finally {
        await device.close();
      }
      return { path, target, temporary: undefined };
    }
  }
  await removeAbandonedFiles(node, target);
  const temporary = temporaryPath(node, target);
  const file = await fs.open(temporary, 'wx');
  try {
    try {
      if (existing !== undefined) await file.chmod(existing.mode & 0o7777);
      await writeAll(file, bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await removeQuietly(node, temporary);
    throw error;
  }
  return { path, target, temporary };
}

/** Makes a rename last through a power failure, where the system can do that. */
async function syncDirectory({ fs }: NodeModules, directory: string): Promise<void> {
  // Windows does not open directories, and keeps renames in its journal.
  if (process.platform === 'win32') return;
  const handle = await fs.open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems do not know this; there is nothing more to do then.
    if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Writes several files that belong together. All of them are complete on the disk before the first one
 * takes its name; then they take their names in the given order. So an error leaves all of them as they
 * were, and only a process killed between two renames can leave new files beside old ones: put the file
 * that refers to the others last, such as `.bin` before `.xml`.
 *
 * A symbolic link is followed, the permissions of an existing file are kept, and a device or pipe is
 * written directly.
 *
 * @throws FileError when a file cannot be written; its code is `NO_SPACE`, `NO_PERMISSION`, `NOT_FOUND`
 *   (no such directory), `NOT_A_DIRECTORY`, `IS_A_DIRECTORY`, `READ_ONLY_FILE_SYSTEM`, `FILE_TOO_LARGE`,
 *   `TOO_MANY_OPEN_FILES`, `BAD_PATH` or `IO_ERROR`
 * @throws ValidationError `BAD_PATH`, or `DUPLICATE_PATH` when two of the files are the same
 * @throws UnsupportedError `NO_FILE_SYSTEM` outside of Node
 */
export async function writeFilesAtomic(files: readonly FileToWrite[]): Promise<void> {
  for (const { path } of files) checkPath(path);
  const node = await loadNodeModules();
  const absolute = files.map(({ path }) => node.path.resolve(path));
  const repeated = absolute.find((path, index) => absolute.indexOf(path) !== index);
  if (repeated !== undefined) {
    throw new ValidationError(
      'DUPLICATE_PATH',
      `Two files are to be written to ${JSON.stringify(repeated)}; give each its own path.`,
      {
        path: repeated,
      },
    );
  }
  const staged: StagedFile[] = [];
  let renamed = 0;
  let path = '';
  try {
    for (const file of files) {
      path = file.path;
      staged.push(await stage(node, file));
    }
    for (const file of staged) {
      path = file.path;
      if (file.temporary !== undefined) await node.fs.rename(file.temporary, file.target);
      renamed++;
    }
    for (const directory of new Set(
      staged.filter((file) => file.temporary).map((file) => node.path.dirname(file.target)),
    )) {
      path = directory;
      await syncDirectory(node, directory);
    }
  } catch (error) {
    for (const file of staged.slice(renamed)) {
      if (file.temporary !== undefined) await removeQuietly(node, file.temporary);
    }
    throw fileError('write', path, error);
  }
}

/** Writes one file; see `writeFilesAtomic`. */
export async function writeFileAtomic(path: string, bytes: FileContent): Promise<void> {
  await writeFilesAtomic([{ path, bytes }]);
}
