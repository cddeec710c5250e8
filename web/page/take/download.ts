/** Files to take away, and files brought back. */
import { zipSync } from 'fflate';

/** Gives the visitor a file. The address is kept for a while, because a browser may read it after the click. */
export function download(name: string, bytes: Uint8Array, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The same bytes at every time: the entries carry a fixed date. */
const DATE = new Date(1980, 0, 1);

/** One zip file. Made at once rather than in a worker of its own: the files are small, and a worker from a `blob:` may be forbidden. */
export const pack = (files: Readonly<Record<string, Uint8Array>>): Uint8Array => zipSync({ ...files }, { mtime: DATE });
