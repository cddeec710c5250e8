/** Profiles: every step once, under its kernel's name, with its work; the same bits as without. */
import { describe, expect, it } from 'vitest';
import type { Operand } from '../../../src/kernels/contract.js';
import { RecordingBackend } from '../../../src/kernels/program.js';
import { describeCall } from '../../../src/kernels/stepWork.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';

const backend = WasmBackend.create({ threads: 1 });
const float = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('a profile', () => {
  it('times each step of a plan, in order, and changes nothing', () => {
    const recorder = new RecordingBackend(backend);
    const x = recorder.external('float32', 12);
    const [y] = recorder.run('unary', [{ ...float(3, 4), storage: x }], { function: 'relu' }, [float(3, 4)]);
    const mask = recorder.generate(() => new Float32Array(12).fill(2), 12, 'float32');
    const [z] = recorder.run(
      'binary',
      [y, mask].map((storage): Operand => ({ ...float(3, 4), storage })),
      { function: 'multiply' },
      [float(3, 4)],
    );
    const gradient = recorder.external('float32', 12);
    const forward = [...recorder.steps];
    const [back] = recorder.run('unary', [{ ...float(3, 4), storage: gradient }], { function: 'negative' }, [
      float(3, 4),
    ]);
    const compiled = backend.compile({
      steps: forward,
      inputs: [x],
      results: [z],
      backward: { steps: recorder.steps.slice(forward.length), gradients: [gradient], inputGradients: [back] },
    });
    const given = backend.upload(
      Float32Array.from({ length: 12 }, (_, index) => index - 6),
      'float32',
    );
    const runOnce = (): Float32Array[] => {
      const run = compiled.forward([given]);
      return [...run.results, ...run.backward([given])].map((storage) => backend.readSync(storage) as Float32Array);
    };
    const wanted = runOnce();
    let found: Float32Array[] = [];
    const times = backend.profile(() => {
      found = runOnce();
    });
    expect(found).toEqual(wanted);
    const count = times.filter(({ part }) => part === 'forward').length;
    expect(times.map(({ part, index }) => [part, index])).toEqual([
      ...Array.from({ length: count }, (_, index) => ['forward', index]),
      ['backward', 0],
    ]);
    // Whether steps are joined is the planner's business; that each kernel appears once is not.
    expect(times.flatMap(({ name }) => name.split('+')).sort()).toEqual(['binary', 'generate', 'unary', 'unary']);
    for (const { milliseconds, bytes } of times) {
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      expect(bytes).toBeGreaterThan(0);
    }
    expect(times.at(-1)).toMatchObject({ inputs: [float(3, 4)], outputs: [float(3, 4)], multiplyAdds: 0, bytes: 96 });
  });

  it('has kernels that are called on their own, and nothing of what runs outside', () => {
    const x: Operand = { ...float(4), storage: backend.upload(new Float32Array(4), 'float32') };
    const call = () => backend.run('unary', [x], { function: 'exp' }, [float(4)]);
    call();
    const times = backend.profile(() => {
      call();
      expect(backend.profile(() => void call())).toHaveLength(1);
    });
    call();
    expect(times.map(({ name, part }) => [name, part])).toEqual([
      ['unary', 'call'],
      ['unary', 'call'],
    ]);
    expect(() =>
      backend.profile(() => {
        throw new Error('a mistake of the caller');
      }),
    ).toThrow('a mistake of the caller');
    expect(backend.profile(() => {})).toEqual([]);
  });
});

describe('the work of a call', () => {
  it('is multiply-adds for convolutions and matrix products', () => {
    const attributes = { strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1], groups: 2 };
    const [x, w, y] = [float(2, 4, 8, 8), float(6, 2, 3, 3), float(2, 6, 4, 4)];
    const wanted = 2 * 6 * 4 * 4 * 2 * 9;
    const convolutions = [
      ['conv2d', [x, w], y],
      ['conv2dInputGradient', [y, w], x],
      ['conv2dFilterGradient', [x, y], w],
    ] as const;
    for (const [kernel, inputs, output] of convolutions) {
      const { multiplyAdds, bytes } = describeCall({ kernel, inputs, attributes, outputs: [output] });
      expect(multiplyAdds).toBe(wanted);
      expect(bytes).toBe(4 * (2 * 4 * 64 + 6 * 2 * 9 + 2 * 6 * 16));
    }
    for (const transposeA of [false, true]) {
      const inputs = [transposeA ? float(3, 7, 5) : float(3, 5, 7), float(3, 7, 2)];
      const product = describeCall({
        kernel: 'matMul',
        inputs,
        attributes: { transposeA, transposeB: false },
        outputs: [float(3, 5, 2)],
      });
      expect(product.multiplyAdds).toBe(3 * 5 * 2 * 7);
    }
  });
});
