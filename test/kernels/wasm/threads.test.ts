/** The WebAssembly backend gives the same bits for every number of threads: single kernels and whole trainings. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelAttributes, KernelName, Operand } from '../../../src/kernels/contract.js';
import type { TypedArray } from '../../../src/kernels/dtype.js';
import type { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { PLAN_CASES } from '../../graph/planCases.js';
import { losses, observe } from '../../graph/planTools.js';
import { KERNEL_CASES } from '../conformance/cases/index.js';
import { createRandom, type KernelCase } from '../conformance/kernelCase.js';
import { addArrays, bitsOf, withThreads } from './threads/tools.js';

const backends: WasmBackend[] = [];
beforeAll(async () => {
  for (const threads of [1, 2, 3, 4]) backends.push(await withThreads(threads));
});
afterAll(async () => {
  await Promise.all(backends.map((backend) => backend.dispose()));
});

function outputsOf<K extends KernelName>(backend: WasmBackend, kernel: K, kernelCase: KernelCase<K>): TypedArray[] {
  const operands = kernelCase
    .inputs(createRandom(7))
    .map(({ shape, dtype, values }): Operand => ({ shape, dtype, storage: backend.upload(values.slice(), dtype) }));
  const results = backend.run(kernel, operands, kernelCase.attributes as KernelAttributes[K], kernelCase.outputs);
  const values = results.map((result) => backend.readSync(result).slice());
  for (const storage of [...results, ...operands.map((each) => each.storage)]) backend.release(storage);
  return values;
}

describe('the conformance cases', () => {
  for (const kernel of Object.keys(KERNEL_CASES) as KernelName[]) {
    it(kernel, () => {
      for (const kernelCase of KERNEL_CASES[kernel] as readonly KernelCase<KernelName>[]) {
        const [one, ...others] = backends.map((backend) => outputsOf(backend, kernel, kernelCase));
        for (const other of others) {
          other.forEach((values, output) => {
            expect(bitsOf(values).equals(bitsOf(one[output])), `${kernelCase.name}, output ${output}`).toBe(true);
          });
        }
      }
    });
  }

  it('arrays of many units, with and without a rest', () => {
    for (const length of [4096, 8192, 8193, 20_000, 100_003]) {
      for (const backend of backends) expect(addArrays(backend, length).wrong()).toBe(0);
    }
  });
});

describe('planned training', () => {
  for (const name of ['residual', 'depthwise', 'dropout', 'embedding'] as const) {
    for (const kind of ['float', 'quantized'] as const) {
      it(`${name}, ${kind}: outputs, gradients, state and the losses of 6 steps`, async () => {
        const each = PLAN_CASES[name];
        const [one, ...others] = backends.map((backend) => ({ backend, planned: true }));
        const wanted = await observe(each, kind, one);
        const wantedLosses = await losses(each, kind, one, 'Adam', 6);
        for (const way of others) {
          expect(await observe(each, kind, way)).toEqual(wanted);
          expect(await losses(each, kind, way, 'Adam', 6)).toEqual(wantedLosses);
        }
      });
    }
  }
});
