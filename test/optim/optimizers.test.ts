/** Every optimizer with every combination of its options against PyTorch, over 20 steps. */
import { describe, expect, it } from 'vitest';
import { Adam, AdamW, type Optimizer, type ParametersInput, RMSprop, SGD } from '../../src/optim/index.js';
import { tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { camelCase, camelOptions, difference, type OptimizerVectors, readVectors } from './oracle/vectors.js';

const { inputs, cases } = readVectors<OptimizerVectors>('optimizers');
type Make = (parameters: ParametersInput<object>, options: Record<string, unknown>) => Optimizer;
const CLASSES: Readonly<Record<string, Make>> = {
  SGD: (parameters, options) => new SGD(parameters, options),
  Adam: (parameters, options) => new Adam(parameters, options),
  AdamW: (parameters, options) => new AdamW(parameters, options),
  RMSprop: (parameters, options) => new RMSprop(parameters, options),
};

/** PyTorch rounds to float32 between the parts of a step, the reference kernels once at its end. */
const TOLERANCE = 4e-6;

const values = (index: number, numbers: readonly number[]): Tensor =>
  tensor(Float32Array.from(numbers), { shape: inputs.shapes[index] });

function start(
  name: string,
  options: Readonly<Record<string, unknown>>,
): { parameters: Tensor[]; optimizer: Optimizer } {
  const parameters = inputs.initial.map((numbers, index) => {
    const parameter = values(index, numbers);
    parameter.requiresGrad = true;
    return parameter;
  });
  const groups = [{ params: parameters.slice(0, 1) }, { params: parameters.slice(1), lr: Number(options.lr) / 2 }];
  return { parameters, optimizer: CLASSES[name](groups, camelOptions(options)) };
}

function step(optimizer: Optimizer, parameters: readonly Tensor[], number: number): void {
  optimizer.zeroGrad();
  parameters[0].grad = values(0, inputs.gradients[number][0]);
  if (number % 4 !== 3) parameters[1].grad = values(1, inputs.gradients[number][1]);
  optimizer.step();
}

describe.each(Object.keys(CLASSES))('%s', (name) => {
  const own = cases.filter((each) => each.name === name);

  it('has its cases', () => {
    expect(own.length).toBeGreaterThan(7);
  });

  it.each(own.map((each) => [JSON.stringify(each.options), each] as const))(
    'agrees with PyTorch: %s',
    (_, { options, trace, state }) => {
      const { parameters, optimizer } = start(name, options);
      for (let number = 0; number < inputs.gradients.length; number++) {
        step(optimizer, parameters, number);
        const expected = trace.find((each) => each.step === number);
        expected?.parameters.forEach((numbers, index) => {
          expect(difference(parameters[index].dataSync(), numbers)).toBeLessThan(TOLERANCE);
        });
      }
      const saved = optimizer.stateDict().state;
      const expectedNames = Object.keys(state).map(camelCase);
      expect([...saved.keys()].sort()).toEqual(expectedNames.sort());
      for (const [key, numbers] of Object.entries(state)) {
        expect(difference(saved.get(camelCase(key))?.dataSync() ?? [], numbers)).toBeLessThan(TOLERANCE);
      }
    },
  );

  it.each(own.map((each) => [JSON.stringify(each.options), each] as const))(
    'continues bit for bit from a saved state: %s',
    (_, { options }) => {
      const whole = start(name, options);
      const first = start(name, options);
      for (let number = 0; number < 9; number++) {
        step(whole.optimizer, whole.parameters, number);
        step(first.optimizer, first.parameters, number);
      }
      const { state, groups } = first.optimizer.stateDict();
      const copies = new Map([...state].map(([key, each]) => [key, tensor(each.dataSync(), { shape: each.shape })]));
      const second = start(name, { ...options, lr: 123 });
      second.parameters.forEach((parameter, index) => {
        parameter.assign_(first.parameters[index].detach());
      });
      second.optimizer.loadStateDict({ state: copies, groups: JSON.parse(JSON.stringify(groups)) });
      for (let number = 9; number < 20; number++) {
        step(whole.optimizer, whole.parameters, number);
        step(second.optimizer, second.parameters, number);
      }
      second.parameters.forEach((parameter, index) => {
        expect(parameter.dataSync()).toEqual(whole.parameters[index].dataSync());
      });
    },
  );
});
