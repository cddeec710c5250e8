/** Other JavaScript runtimes: Deno and Bun, both of which the npm registry has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Installed, runProgram } from './install.js';
import { RUNTIME } from './programs.js';
import { ensure, type Report, Skip } from './report.js';

const UNREACHABLE = /E404|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ETARGET|E403/;

interface Runtime {
  readonly name: string;
  readonly tool: string;
  /** Arguments before the program's file. */
  readonly args: readonly string[];
}

const RUNTIMES: readonly Runtime[] = [
  { name: 'Deno', tool: 'deno@2', args: ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual'] },
  { name: 'Bun', tool: 'bun@1', args: ['run'] },
];

/** The program quantizes, trains, saves and reads with files, and says how many threads computed. */
export async function checkRuntimes(report: Report, { folder }: Installed): Promise<void> {
  writeFileSync(join(folder, 'runtime.mjs'), RUNTIME);
  for (const { name, tool, args } of RUNTIMES) {
    await report.check(`${name} quantizes, trains, saves, restores and runs a model`, () => {
      const version = runProgram('npx', ['--yes', tool, '--version'], folder);
      if (version.status !== 0 && UNREACHABLE.test(version.output)) throw new Skip('it cannot be downloaded');
      const { status, output } = runProgram('npx', ['--yes', tool, ...args, 'runtime.mjs'], folder);
      ensure(status === 0 && /done true/.test(output), output.trim().slice(-2000));
      const [number] = version.output.match(/\d+\.\d+\.\d+/) ?? [version.output.trim()];
      return `${name} ${number}, ${/engine (.*)/.exec(output)?.[1]}`;
    });
  }
}
