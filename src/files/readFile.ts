/** Reads a whole file, of any size that fits one array, with typed errors. Node only. */
import { checkPath, fileError } from './fileError.js';
import { loadNodeModules } from './nodeModules.js';

/**
 * The bytes of a file.
 *
 * @throws FileError when it cannot be read
 * @throws ValidationError `BAD_PATH`
 * @throws UnsupportedError `NO_FILE_SYSTEM` outside of Node
 */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  checkPath(path);
  const { fs } = await loadNodeModules();
  try {
    const file = await fs.open(path, 'r');
    try {
      const status = await file.stat();
      // Pipes, devices and the files of /proc do not know their size.
      if (!status.isFile() || status.size === 0) return new Uint8Array(await file.readFile());
      // readFile() ends at 2 GiB; this does not.
      const bytes = new Uint8Array(status.size);
      let end = 0;
      while (end < bytes.length) {
        const { bytesRead } = await file.read(bytes, end, Math.min(bytes.length - end, 2 ** 30));
        if (bytesRead === 0) break;
        end += bytesRead;
      }
      return end === bytes.length ? bytes : bytes.slice(0, end);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
}
