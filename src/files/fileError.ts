/** What the operating system says about a file, in words that say what to do about it. */
import { FileError, QuantGradError, ValidationError } from '../errors.js';

type Action = 'read' | 'write';

interface Explanation {
  readonly code: string;
  readonly text: string;
}

const NO_PERMISSION: Explanation = {
  code: 'NO_PERMISSION',
  text: 'permission denied. Change the permissions of the file and its directory, or choose another path.',
};
const NO_SPACE: Explanation = {
  code: 'NO_SPACE',
  text: 'the disk or the quota is full. Free some space or choose another disk; what was there before is unchanged.',
};
const TOO_MANY_OPEN_FILES: Explanation = {
  code: 'TOO_MANY_OPEN_FILES',
  text: 'too many files are open. Close some, or raise the limit (ulimit -n).',
};
const BAD_PATH: Explanation = {
  code: 'BAD_PATH',
  text: 'the operating system does not take this path. Choose another one.',
};

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ENOTDIR: {
    code: 'NOT_A_DIRECTORY',
    text: 'a part of the path that should be a directory is a file. Check the path.',
  },
  EISDIR: { code: 'IS_A_DIRECTORY', text: 'it is a directory. Give the path of a file.' },
  EACCES: NO_PERMISSION,
  EPERM: NO_PERMISSION,
  EROFS: { code: 'READ_ONLY_FILE_SYSTEM', text: 'the file system is read-only. Choose another path.' },
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EFBIG: {
    code: 'FILE_TOO_LARGE',
    text: 'the file is larger than the file system or the process limit (ulimit -f) allows. Choose another disk or raise the limit.',
  },
  EMFILE: TOO_MANY_OPEN_FILES,
  ENFILE: TOO_MANY_OPEN_FILES,
  ENAMETOOLONG: BAD_PATH,
  ELOOP: BAD_PATH,
  EINVAL: BAD_PATH,
};

const NOT_FOUND: Readonly<Record<Action, Explanation>> = {
  read: { code: 'NOT_FOUND', text: 'there is no such file. Check the path.' },
  write: { code: 'NOT_FOUND', text: 'its directory does not exist. Create the directory first or check the path.' },
};

function explain(action: Action, systemCode: string, error: unknown): Explanation {
  if (systemCode === 'ENOENT') return NOT_FOUND[action];
  const reason = error instanceof Error ? error.message : String(error);
  return EXPLANATIONS[systemCode] ?? { code: 'IO_ERROR', text: `${reason}. Check the disk, then try again.` };
}

/**
 * Turns what the file system threw into a `FileError`, with `path` and `systemCode` (such as `ENOSPC`)
 * in its details. Errors that are typed already stay as they are.
 */
export function fileError(action: Action, path: string, error: unknown): QuantGradError {
  if (error instanceof QuantGradError) return error;
  const systemCode = String((error as { code?: unknown } | null)?.code ?? 'UNKNOWN');
  const { code, text } = explain(action, systemCode, error);
  return new FileError(
    code,
    `Cannot ${action} ${JSON.stringify(path)} (${systemCode}): ${text}`,
    { path, systemCode },
    error,
  );
}

/** @throws ValidationError `BAD_PATH` for what cannot be the path of a file on any system */
export function checkPath(path: string): void {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new ValidationError(
      'BAD_PATH',
      `${JSON.stringify(path) ?? String(path)} is not the path of a file; give a string that is not empty and has no null character.`,
      { path },
    );
  }
}
