/**
 * How the backend comes by its compiler of programs, which is a large part that a program that only runs models call by
 * call can do without: whoever makes programs adds it (`program/index.ts`).
 */
import { BackendError } from '../../errors.js';
import type { CompiledProgram, KernelProgram } from '../program.js';
import type { Heap } from './heap.js';
import type { ArenaPool } from './program/arenaPool.js';
import type { ProgramHost } from './program/compiledProgram.js';

export interface ProgramCompiler {
  makeArenas(heap: Heap): ArenaPool;
  compile(program: KernelProgram, host: ProgramHost): CompiledProgram;
}

let known: ProgramCompiler | null = null;

export function setProgramCompiler(compiler: ProgramCompiler): void {
  known = compiler;
}

/** @throws BackendError `NO_PROGRAM_COMPILER` where none was added */
export function programCompiler(): ProgramCompiler {
  if (known) return known;
  throw new BackendError('NO_PROGRAM_COMPILER', 'A program was to be compiled before the compiler was added.');
}
