/**
 * Names of temporary files, and the removal of those that a killed process left behind. The name says
 * who writes the file, so that nobody removes a file that is still being written:
 * `.<target>.<host>.<process id>.<random>.tmp`, in the directory of the target.
 */
import type { NodeModules } from './nodeModules.js';

const HOUR = 3_600_000;
/** A file of another machine, or of a process id that is in use again, is given up after this many milliseconds. */
const ABANDONED_AFTER = 24 * HOUR;
/** File times and the process's own clock need not agree to the millisecond. */
const CLOCK_TOLERANCE = 1000;
/** Names are limited to 255 bytes; 40 characters are at most 160 of them. */
const MAX_NAME_PART = 40;

const shorten = (name: string): string => Array.from(name).slice(0, MAX_NAME_PART).join('');
const hostLabel = ({ os }: NodeModules): string =>
  os
    .hostname()
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, MAX_NAME_PART);
const prefixOf = (node: NodeModules, target: string): string => `.${shorten(node.path.basename(target))}.`;

/** A path beside the target that no other write uses. */
export function temporaryPath(node: NodeModules, target: string): string {
  const unique = crypto.randomUUID().slice(0, 13);
  const name = `${prefixOf(node, target)}${hostLabel(node)}.${process.pid}.${unique}.tmp`;
  return node.path.join(node.path.dirname(target), name);
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Whether nobody can still be writing a temporary file that was last changed at `modified`. */
function isAbandoned(writer: { host: string; processId: number }, host: string, modified: number): boolean {
  const now = Date.now();
  if (now - modified > ABANDONED_AFTER) return true;
  if (writer.host !== host) return false;
  // An earlier process may have had the number of this one, which is the rule in containers.
  if (writer.processId === process.pid) return modified < now - process.uptime() * 1000 - CLOCK_TOLERANCE;
  return !isRunning(writer.processId);
}

/** Removes the temporary files of a target whose writer is dead. What cannot be removed is left for the next time. */
export async function removeAbandonedFiles(node: NodeModules, target: string): Promise<void> {
  const { fs, path } = node;
  const directory = path.dirname(target);
  const prefix = prefixOf(node, target);
  const host = hostLabel(node);
  // A directory that is missing or cannot be listed is for the write itself to judge.
  for (const name of await fs.readdir(directory).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const match = /^([A-Za-z0-9-]*)\.(\d+)\.[0-9a-f-]{13}\.tmp$/.exec(name.slice(prefix.length));
    if (match === null) continue;
    const file = path.join(directory, name);
    try {
      const { mtimeMs } = await fs.stat(file);
      if (isAbandoned({ host: match[1], processId: Number(match[2]) }, host, mtimeMs)) await fs.unlink(file);
    } catch {
      // Another process was faster, or the file belongs to somebody else: it hurts nobody where it is.
    }
  }
}
