/**
 * Property tests draw the same cases in every run, so that a failure can be repeated; `FC_SEED=7` draws others. Tests of
 * kernels and programs name what a program that trains would have added.
 */
import fc from 'fast-check';
import { addTrainingKernels } from '../src/kernels/trainingKernels.js';
import { addProgramCompiler } from '../src/kernels/wasm/program/index.js';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_261_124) });
addTrainingKernels();
addProgramCompiler();
