/** Compiled programs for WebAssembly backends. */
import { setProgramCompiler } from '../programCompiler.js';
import { ArenaPool } from './arenaPool.js';
import { WasmProgram } from './compiledProgram.js';

/** Lets WebAssembly backends compile programs. */
export const addProgramCompiler = (): void =>
  setProgramCompiler({
    makeArenas: (heap) => new ArenaPool(heap),
    compile: (program, host) => new WasmProgram(program, host),
  });
