/** The updates against PyTorch's optimizers over several steps (fixtures/generate.py), and their corner cases. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { KernelAttributes } from '../../../src/kernels/contract.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { operand } from '../conformance/kernelCase.js';

interface Options {
  readonly lr: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly weight_decay?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly alpha?: number;
  readonly centered?: boolean;
}

interface Recorded {
  readonly optimizer: 'SGD' | 'Adam' | 'AdamW' | 'RMSprop';
  readonly options: Options;
  readonly start: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  /** The parameter after each step. */
  readonly parameters: readonly (readonly number[])[];
}

const recorded = JSON.parse(readFileSync(new URL('./fixtures/optimizers.json', import.meta.url), 'utf8')) as Recorded[];

const sgdAttributes = (options: Options, first: boolean): KernelAttributes['sgdUpdate'] => ({
  learningRate: options.lr,
  momentum: options.momentum ?? 0,
  dampening: options.dampening ?? 0,
  weightDecay: options.weight_decay ?? 0,
  nesterov: options.nesterov ?? false,
  first,
});

const adamAttributes = (options: Options, step: number, decoupled: boolean): KernelAttributes['adamUpdate'] => ({
  learningRate: options.lr,
  beta1: options.betas?.[0] ?? 0.9,
  beta2: options.betas?.[1] ?? 0.999,
  epsilon: options.eps ?? 1e-8,
  weightDecay: options.weight_decay ?? 0,
  decoupled,
  step,
});

const rmspropAttributes = (options: Options): KernelAttributes['rmspropUpdate'] => ({
  learningRate: options.lr,
  alpha: options.alpha ?? 0.99,
  epsilon: options.eps ?? 1e-8,
  weightDecay: options.weight_decay ?? 0,
  momentum: options.momentum ?? 0,
  centered: options.centered ?? false,
});

/** One step: the state is the parameter followed by the optimizer's buffers. */
function update(run: Recorded, state: readonly HostOperand[], gradient: HostOperand, step: number): HostOperand[] {
  const inputs = [state[0], gradient, ...state.slice(1)];
  const types = state.map(({ shape, dtype }) => ({ shape, dtype }));
  const results = (() => {
    switch (run.optimizer) {
      case 'SGD':
        return runReferenceKernel('sgdUpdate', inputs, sgdAttributes(run.options, step === 1), types);
      case 'Adam':
      case 'AdamW':
        return runReferenceKernel(
          'adamUpdate',
          inputs,
          adamAttributes(run.options, step, run.optimizer === 'AdamW'),
          types,
        );
      case 'RMSprop':
        return runReferenceKernel('rmspropUpdate', inputs, rmspropAttributes(run.options), types);
    }
  })();
  return results.map((values, index) => ({ ...types[index], values }));
}

const BUFFERS = { SGD: 1, Adam: 2, AdamW: 2, RMSprop: 3 } as const;

describe.each(['float32', 'float64'] as const)('updates in %s', (dtype) => {
  it.each(recorded.map((run) => [run.optimizer, JSON.stringify(run.options), run] as const))(
    'follow %s %s',
    (name, _, run) => {
      const shape = [run.start.length];
      const zeros = Array.from({ length: BUFFERS[name] }, () => operand(shape, new Float64Array(shape[0]), dtype));
      let state = [operand(shape, run.start, dtype), ...zeros];
      run.gradients.forEach((gradient, index) => {
        state = update(run, state, operand(shape, gradient, dtype), index + 1);
        run.parameters[index].forEach((value, element) => {
          const error = Math.abs(state[0].values[element] - value);
          expect(error, `step ${index + 1}, element ${element}`).toBeLessThan(dtype === 'float32' ? 5e-6 : 1e-13);
        });
      });
    },
  );
});

describe('rmspropUpdate', () => {
  it('takes a variance that rounding made negative as zero', () => {
    // With alpha = 1 the averages stay as given: a mean of 0.1 and a mean square just below 0.01.
    const inputs = [0, 0.5, 0.00999, 0, 0.1].map((value) => operand([1], [value]));
    const types = [0, 2, 3, 4].map((index) => ({ shape: inputs[index].shape, dtype: inputs[index].dtype }));
    const attributes = rmspropAttributes({ lr: 0.01, alpha: 1, eps: 0.1, centered: true });
    const [parameter] = runReferenceKernel('rmspropUpdate', inputs, attributes, types);
    expect(parameter[0]).toBe(Math.fround(-0.01 * (0.5 / 0.1)));
  });
});

describe('sgdUpdate', () => {
  it('leaves the buffer alone without momentum', () => {
    const inputs = [operand([2], [1, 2]), operand([2], [10, 20]), operand([2], [7, 8])];
    const types = [inputs[0], inputs[2]].map(({ shape, dtype }) => ({ shape, dtype }));
    const [parameter, buffer] = runReferenceKernel('sgdUpdate', inputs, sgdAttributes({ lr: 0.5 }, false), types);
    expect([...parameter]).toEqual([-4, -8]);
    expect([...buffer]).toEqual([7, 8]);
  });
});
