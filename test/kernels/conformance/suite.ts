/**
 * The conformance suite: every kernel of the contract, run on a backend and compared with the
 * reference kernels (or, for the reference backend itself, with the naive definitions).
 *
 * A backend's test calls `describeBackend('name', create, options)` and nothing else.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import { DTYPES, type DType, isFloating, type TypedArray } from '../../../src/kernels/dtype.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { KERNEL_CASES } from './cases/index.js';
import { type KernelCase, operand, randomOf, sizeOf } from './kernelCase.js';

/** An element passes if |actual - expected| <= absolute + relative |expected|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
  /** Fraction of an output's elements that may miss the tolerance, such as ties of a rounding; 0 by default. */
  readonly outliers?: number;
}

/** Gives the outputs that a kernel should have. */
export type ExpectedOutputs = <K extends KernelName>(
  kernel: K,
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
) => readonly ArrayLike<number>[];

export interface ConformanceOptions {
  /** Kernels to run; all by default. */
  readonly kernels?: readonly KernelName[];
  /** Types to run: cases with an operand of another type are left out. By default, all that the backend supports. */
  readonly dtypes?: readonly DType[];
  /** Tolerances of floating outputs; integers and bools are compared exactly. */
  readonly tolerance?: Partial<Record<KernelName | 'default', Tolerance>>;
  /** Where the expected values come from; the reference kernels by default. */
  readonly expected?: ExpectedOutputs;
  /** Whether cases with NaN and infinities run; true by default. */
  readonly specialValues?: boolean;
  /** Called with the backend after its last test. */
  readonly dispose?: (backend: Backend) => void;
}

const DEFAULT_TOLERANCES = {
  float32: { absolute: 1e-6, relative: 1e-5 },
  float64: { absolute: 1e-12, relative: 1e-12 },
} as const satisfies Partial<Record<DType, Tolerance>>;

const withFloats = <T extends TensorType>(value: T, dtype: DType): T =>
  value.dtype === 'float32' ? { ...value, dtype } : value;

/** Draws a case's inputs, its float32 operands in `floats`. */
function drawInputs<K extends KernelName>(kernel: K, kernelCase: KernelCase<K>, floats: DType): HostOperand[] {
  const drawn = kernelCase.inputs(randomOf(kernel, kernelCase.name));
  return drawn.map((input) => (input.dtype === 'float32' ? operand(input.shape, input.values, floats) : input));
}

function expectClose(
  actual: TypedArray,
  expected: ArrayLike<number>,
  tolerance: Tolerance | undefined,
  label: string,
): void {
  expect(actual.length, `${label}: number of elements`).toBe(expected.length);
  const misses: string[] = [];
  for (let index = 0; index < expected.length; index++) {
    const want = expected[index];
    const got = actual[index];
    const allowed = tolerance === undefined ? 0 : tolerance.absolute + tolerance.relative * Math.abs(want);
    const close = Object.is(got, want) || got === want || Math.abs(got - want) <= allowed;
    if (!close) {
      misses.push(`[${index}] is ${got}, expected ${want}`);
    }
  }
  const allowedMisses = Math.floor((tolerance?.outliers ?? 0) * expected.length);
  const shown = misses.slice(0, 5).join('; ');
  expect(
    misses.length,
    `${label}: ${misses.length} of ${expected.length} elements are off: ${shown}`,
  ).toBeLessThanOrEqual(allowedMisses);
}

/** Declares the conformance tests of a backend. Call it at the top level of a test file. */
export function describeBackend(name: string, create: () => Promise<Backend>, options: ConformanceOptions = {}): void {
  const expectedOutputs: ExpectedOutputs = options.expected ?? runReferenceKernel;
  const kernels = options.kernels ?? (Object.keys(KERNEL_CASES) as KernelName[]);

  describe(`backend ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await create();
    });
    afterAll(() => options.dispose?.(backend));

    const isWanted = (dtype: DType): boolean => options.dtypes?.includes(dtype) ?? true;

    async function check<K extends KernelName>(kernel: K, kernelCase: KernelCase<K>, floats: DType): Promise<boolean> {
      const inputs = drawInputs(kernel, kernelCase, floats);
      const outputs = kernelCase.outputs.map((output) => withFloats(output, floats));
      if (![...inputs, ...outputs].every((each) => backend.supportsDType(each.dtype))) {
        return false;
      }
      const expected = expectedOutputs(kernel, inputs, kernelCase.attributes, outputs);
      const operands = inputs.map(({ shape, dtype, values }) => ({
        shape,
        dtype,
        storage: backend.upload(values.slice(), dtype),
      }));
      const results = backend.run(kernel, operands, kernelCase.attributes, outputs);
      expect(results.length, 'number of outputs').toBe(outputs.length);
      for (const [index, result] of results.entries()) {
        const { dtype, shape } = outputs[index];
        expect(result.dtype).toBe(dtype);
        expect(result.length).toBe(sizeOf(shape));
        const fallback = dtype === 'float64' ? DEFAULT_TOLERANCES.float64 : DEFAULT_TOLERANCES.float32;
        const chosen: Tolerance = options.tolerance?.[kernel] ?? options.tolerance?.default ?? fallback;
        const tolerance = { ...chosen, absolute: chosen.absolute * (kernelCase.magnitude ?? 1) };
        expectClose(
          await backend.read(result),
          expected[index],
          isFloating(dtype) ? tolerance : undefined,
          `output ${index}`,
        );
      }
      for (const [index, { storage }] of operands.entries()) {
        expect([...(await backend.read(storage))], `input ${index} was changed`).toEqual([...inputs[index].values]);
      }
      for (const storage of [...results, ...operands.map((each) => each.storage)]) {
        backend.release?.(storage);
      }
      return true;
    }

    function declare<K extends KernelName>(kernel: K): void {
      describe(kernel, () => {
        for (const kernelCase of KERNEL_CASES[kernel] as readonly KernelCase<K>[]) {
          if (kernelCase.special && options.specialValues === false) {
            continue;
          }
          for (const floats of ['float32', 'float64'] as const) {
            const dtypes = dtypesOf(kernel, kernelCase, floats);
            // A case without floats has no float64 variant of its own.
            if (!dtypes.every(isWanted) || (floats === 'float64' && !dtypes.includes(floats))) {
              continue;
            }
            it(`${kernelCase.name} (${floats})`, async ({ skip }) => {
              if (!(await check(kernel, kernelCase, floats))) {
                skip(`${name} does not take the types of this case`);
              }
            });
          }
        }
      });
    }
    kernels.forEach(declare);

    it('gives back what was uploaded, in every type', async () => {
      for (const dtype of DTYPES.filter((dtype) => isWanted(dtype) && backend.supportsDType(dtype))) {
        const { values } = operand([5], [0, 1, 1, 0, 1], dtype);
        const storage = backend.upload(values.slice(), dtype);
        expect(storage.dtype).toBe(dtype);
        expect([...(await backend.read(storage))]).toEqual([...values]);
        if (backend.synchronous) {
          expect([...backend.readSync(storage)]).toEqual([...values]);
        }
      }
    });

    it('copies on read: changing the result changes no tensor', async () => {
      const storage = backend.upload(new Float32Array([1, 2]), 'float32');
      (await backend.read(storage)).fill(9);
      expect([...(await backend.read(storage))]).toEqual([1, 2]);
    });

    it('chains kernels without reading in between', async () => {
      const shape = [4];
      const x = {
        shape,
        dtype: 'float32' as const,
        storage: backend.upload(new Float32Array([-1, 0.5, 2, -3]), 'float32'),
      };
      let current = x;
      for (let step = 0; step < 3; step++) {
        const [storage] = backend.run('binary', [current, x], { function: 'add' }, [{ shape, dtype: 'float32' }]);
        current = { ...x, storage };
      }
      const [result] = backend.run('unary', [current], { function: 'relu' }, [{ shape, dtype: 'float32' }]);
      expect([...(await backend.read(result))]).toEqual([0, 2, 8, 0]);
    });
  });
}

/** The element types of a case's operands. */
const dtypesOf = <K extends KernelName>(kernel: K, kernelCase: KernelCase<K>, floats: DType): DType[] =>
  [...drawInputs(kernel, kernelCase, floats), ...kernelCase.outputs.map((output) => withFloats(output, floats))].map(
    (each) => each.dtype,
  );
