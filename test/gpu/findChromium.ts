/** Finds Chromium: CHROMIUM names the program, else it is looked for, and on Debian installed if it is missing. */
import { execFileSync } from 'node:child_process';

export function findChromium(): string {
  const find = (): string | undefined => {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      try {
        return execFileSync('which', [name], { encoding: 'utf8' }).trim();
      } catch {
        // Not there: try the next name.
      }
    }
    return undefined;
  };
  if (process.env.CHROMIUM) {
    return process.env.CHROMIUM;
  }
  const found = find();
  if (found !== undefined) {
    return found;
  }
  console.log('Installing Chromium (apt-get install chromium)');
  const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
  for (const command of [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-y', '-q', 'chromium'],
  ]) {
    const [program, ...args] = [...sudo, ...command];
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const installed = find();
  if (installed === undefined) {
    throw new Error('There is no Chromium here; install it, or name it in CHROMIUM.');
  }
  return installed;
}
