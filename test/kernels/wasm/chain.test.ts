/** Chains of elementwise kernels against the same kernels one by one, and against the reference. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelName } from '../../../src/kernels/contract.js';
import type { TypedArray } from '../../../src/kernels/dtype.js';
import type { ProgramBuffer, ProgramOperand } from '../../../src/kernels/program.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import type { WasmCall, WasmKernel } from '../../../src/kernels/wasm/kernel.js';
import { type ChainCall, type ChainStep, chainCall, chainStepOf } from '../../../src/kernels/wasm/kernels/chain.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { type Chain, chainSeeds, makeChain } from './chainPrograms.js';
import { exact, expectEach } from './compare.js';
import { runGuarded } from './guarded.js';

type Values = Map<ProgramBuffer, TypedArray>;

const hostOperand = ({ buffer, shape, dtype }: ProgramOperand, values: Values): HostOperand => ({
  shape,
  dtype,
  values: values.get(buffer) as TypedArray,
});

/** What all calls make, one by one. */
function oneByOne(
  { calls, inputs, values }: Chain,
  run: (call: ChainCall, inputs: readonly HostOperand[]) => readonly TypedArray[],
): Values {
  const known: Values = new Map(inputs.map(({ buffer }, index) => [buffer, values[index].values]));
  for (const call of calls) {
    const results = run(
      call,
      call.inputs.map((input) => hostOperand(input, known)),
    );
    call.outputs.forEach(({ buffer }, index) => {
      known.set(buffer, results[index]);
    });
  }
  return known;
}

const inWasm = ({ kernel, attributes, outputs }: ChainCall, inputs: readonly HostOperand[]): TypedArray[] => {
  const call = (WASM_KERNELS[kernel] as WasmKernel<KernelName>)(inputs, attributes as never, outputs);
  return runGuarded(call as WasmCall, inputs, outputs);
};

const inReference = ({ kernel, attributes, outputs }: ChainCall, inputs: readonly HostOperand[]): TypedArray[] =>
  runReferenceKernel(kernel, inputs, attributes as never, outputs);

/** The chain as one loop that writes these outputs; null where it is not covered. */
function asOne(chain: Chain, outputs: readonly ProgramOperand[]): TypedArray[] | null {
  const steps = chain.calls.map((call) => chainStepOf(call) as ChainStep);
  const call = chainCall(steps, chain.inputs, outputs);
  if (!call) return null;
  const results = runGuarded(call, chain.values, outputs);
  runGuarded(call, chain.values, outputs, { backwards: true }).forEach((result, output) => {
    expectEach(result, results[output], exact, output, 'with its units backwards');
  });
  return results;
}

let covered = 0;

function check(chain: Chain, outputs: readonly ProgramOperand[]): void {
  const found = asOne(chain, outputs);
  if (!found) return;
  covered++;
  const alone = oneByOne(chain, inWasm);
  outputs.forEach(({ buffer }, index) => {
    expectEach(found[index], alone.get(buffer) as TypedArray, exact, index, 'as one');
  });
  if (chain.calls.some(({ kernel }) => kernel === 'batchNormInference')) return;
  const reference = oneByOne(chain, inReference);
  outputs.forEach(({ buffer, shape }, index) => {
    const isSum = chain.calls.some(({ kernel, outputs: [first, ...sums] }) =>
      (kernel === 'reduce' ? [first, ...sums] : sums).some((sum) => sum.buffer === buffer),
    );
    if (!isSum) expectEach(found[index], reference.get(buffer) as TypedArray, exact, index, `reference ${shape}`);
  });
}

describe('a chain', () => {
  it('has the bits of its kernels one by one, whatever of it is written', () => {
    covered = 0;
    fc.assert(
      fc.property(chainSeeds(), fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (seed, chosen) => {
        const chain = makeChain(seed);
        const outputs = chain.made.filter((_, index) => chosen[index % chosen.length]);
        check(chain, outputs.length > 0 ? outputs : chain.made);
      }),
      { numRuns: 150 },
    );
    expect(covered).toBeGreaterThan(75);
  });

  it('does so for planes and rows of many lengths', () => {
    covered = 0;
    fc.assert(
      fc.property(
        chainSeeds(fc.constantFrom(1, 2, 3, 4, 7, 16, 33)),
        fc.constantFrom(
          [5, 6, 4, 4],
          [3, 7, 2, 2],
          [2, 3, 7, 7],
          [9, 5, 3, 3],
          [2, 3, 41, 33],
          [70, 3, 17],
          [3, 2, 8200],
        ),
        (seed, shape) => {
          const chain = makeChain({ ...seed, shape });
          check(chain, chain.made);
        },
      ),
      { numRuns: 50 },
    );
    expect(covered).toBeGreaterThan(20);
  });

  it('does nothing on empty tensors, whose sums are zero', () => {
    fc.assert(
      fc.property(chainSeeds(), fc.constantFrom([0], [0, 3], [2, 0, 4], [3, 2, 0, 2]), (seed, shape) => {
        const chain = makeChain({ ...seed, shape });
        const found = asOne(chain, chain.made);
        for (const each of found ?? []) expect([...each].every((value) => value === 0)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('computes a call that is there twice once', () => {
    const seed = { shape: [4, 5], calls: [{ kind: 4, operands: [0, 3, 0] }], seed: 1 };
    const { calls, inputs, made } = makeChain(seed);
    const again = { ...calls[0], outputs: [{ ...made[0], buffer: { ...made[0].buffer, id: 99 } }] };
    const sum: ChainCall = {
      kernel: 'binary',
      attributes: { function: 'add' },
      inputs: [made[0], again.outputs[0]],
      outputs: [{ ...made[0], buffer: { ...made[0].buffer, id: 100 } }],
    };
    const key = (each: readonly ChainCall[], output: ProgramOperand): number =>
      (
        chainCall(
          each.map((call) => chainStepOf(call) as ChainStep),
          inputs,
          [output],
        )?.key.match(/multiply/g) ?? []
      ).length;
    expect(key([calls[0], again, sum], sum.outputs[0])).toBe(key(calls, made[0]));
  });
});
