/** Which cases of the conformance suite run as WebAssembly, and which as the reference kernel: none changes unnoticed. */
import { describe, expect, it } from 'vitest';
import type { KernelAttributes, KernelName, Operand } from '../../../src/kernels/contract.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { KERNEL_CASES } from '../conformance/cases/index.js';
import { createRandom, type KernelCase } from '../conformance/kernelCase.js';

/** Cases with these words in their names run as the reference kernel. */
const REFERENCE: Partial<Record<KernelName, RegExp>> = {
  unary: /int32/,
  binary: /int8|divide of int32/,
  clamp: /int32/,
  convert: /int8/,
  reduce: /prod|empty|nothing|int32/,
  fakeQuantizeGradient: /two levels/,
  mvn: /first axis|long groups/,
  mvnGradient: /first axis|long groups/,
  pad: /edge|reflect/,
  padGradient: /edge|reflect/,
  gather: /int32|int8|bool/,
  gatherElements: /smaller indices/,
  gatherElementsGradient: /smaller indices/,
};

const KERNELS: readonly KernelName[] = [
  ...(['unary', 'binary', 'select', 'clamp', 'elu', 'convert', 'broadcast', 'reduce'] as const),
  ...(['fakeQuantize', 'fakeQuantizeCodes', 'fakeQuantizeGradient', 'fakeQuantizeOpenvino'] as const),
  ...(['batchNorm', 'batchNormStatistics', 'batchNormInference', 'batchNormGradient'] as const),
  ...(['mvn', 'mvnGradient', 'softmax', 'logSoftmax'] as const),
  ...(['sgdUpdate', 'adamUpdate', 'rmspropUpdate'] as const),
  ...(['transpose', 'concat', 'slice', 'sliceGradient', 'pad', 'padGradient', 'gather', 'gatherGradient'] as const),
  ...(['gatherElements', 'gatherElementsGradient'] as const),
];

function fallsBack<K extends KernelName>(backend: WasmBackend, kernel: K, kernelCase: KernelCase<K>): boolean {
  const operands = kernelCase
    .inputs(createRandom(1))
    .map(({ shape, dtype, values }): Operand => ({ shape, dtype, storage: backend.upload(values, dtype) }));
  const before = backend.info();
  backend.run(kernel, operands, kernelCase.attributes as KernelAttributes[K], kernelCase.outputs);
  const after = backend.info();
  const launched = (after.launches.get(kernel) ?? 0) - (before.launches.get(kernel) ?? 0);
  const fallen = (after.fallbacks.get(kernel) ?? 0) - (before.fallbacks.get(kernel) ?? 0);
  expect(launched + fallen).toBe(1);
  return fallen === 1;
}

describe('coverage of the WebAssembly kernels', () => {
  for (const kernel of KERNELS) {
    it(`${kernel} runs as WebAssembly${REFERENCE[kernel] ? `, but for ${REFERENCE[kernel].source}` : ''}`, () => {
      const backend = WasmBackend.create({ threads: 1 });
      const unexpected = (KERNEL_CASES[kernel] as readonly KernelCase<typeof kernel>[])
        .filter((each) => fallsBack(backend, kernel, each) !== (REFERENCE[kernel]?.test(each.name) ?? false))
        .map(({ name }) => name);
      expect(unexpected).toEqual([]);
    });
  }
});
