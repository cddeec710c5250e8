/**
 * Makes the backends' kernels for training known. They stay out of a program that only runs models: the tables of kernels
 * hold what inference needs, and whoever names a kernel for training calls this first. Operations do so through
 * `trainingCall`, the optimizers and rewritings of programs themselves; the type of names keeps others from forgetting.
 */
import { addReferenceKernels } from './reference/kernels.js';
import { REFERENCE_TRAINING_KERNELS } from './reference/trainingKernels.js';
import { addWasmKernels } from './wasm/kernels/index.js';
import { addRowTrainingKernels, WASM_TRAINING_KERNELS } from './wasm/kernels/trainingKernels.js';

let added = false;

/** Costs nothing after the first time. */
export function addTrainingKernels(): void {
  if (added) return;
  added = true;
  addReferenceKernels(REFERENCE_TRAINING_KERNELS);
  addRowTrainingKernels();
  addWasmKernels(WASM_TRAINING_KERNELS);
}
