/** Profiles of models and of training steps. */
import {
  functional as F,
  init,
  nn,
  optim,
  quantize,
  randn,
  setThreads,
  type Tensor,
  tensor,
  withBackend,
} from 'quantgrad';
import { formatProfile, type Profile, profileModel, profileStep } from 'quantgrad/profile';
import { beforeAll, describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/tensor/backend.js';

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1 });
  relu = new nn.ReLU();
  fc = new nn.Linear(4 * 36, 3);
  forward(x: Tensor): Tensor {
    return this.fc.forward(F.flatten(this.relu.forward(this.conv.forward(x)), 1));
  }
}

const quick = { runs: 2, warmup: 1 };
const kernelsOf = ({ steps }: Profile): string[] => steps.flatMap(({ name }) => name.split('+'));

beforeAll(async () => {
  setThreads(1);
  await init({ backend: 'wasm' });
});

describe('the profile of a model', () => {
  it('has its forward and backward steps with their layers, and leaves no gradients', async () => {
    const model = new Net();
    const profile = await profileModel(model, [randn([2, 1, 6, 6])], quick);
    const convolution = profile.steps.find(({ name }) => name.startsWith('conv2dFilterGradient'));
    expect(convolution).toMatchObject({ part: 'backward', unit: 'GF/s', multiplyAdds: 2 * 4 * 36 * 9 });
    expect(convolution?.label).toContain('conv');
    const forward = profile.steps.find(({ name, part }) => part === 'forward' && /^conv2d(\+|$)/.test(name));
    expect(forward?.label).toContain('conv');
    expect([...model.parameters()].every(({ grad }) => grad === null)).toBe(true);
    const inference = await profileModel(model.eval(), [randn([2, 1, 6, 6])], quick);
    expect(inference.steps.every(({ part }) => part === 'forward')).toBe(true);
  });

  it('adds up', async () => {
    const profile = await profileModel(new Net(), [randn([2, 1, 6, 6])], quick);
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    for (const list of [profile.steps, profile.kernels]) {
      expect(sum(list.map(({ milliseconds }) => milliseconds))).toBeCloseTo(profile.milliseconds, 6);
      expect(sum(list.map(({ share }) => share))).toBeCloseTo(1, 6);
      const times = list.map(({ milliseconds }) => milliseconds);
      expect(times).toEqual([...times].sort((a, b) => b - a));
    }
    expect(sum(profile.kernels.map(({ steps }) => steps))).toBe(profile.steps.length);
    const { multiplyAddsPerSecond, bytesPerSecond } = profile.limits;
    for (const { speed, unit, ofLimit } of profile.steps) {
      const own = unit === 'GF/s' ? (speed * 1e9) / 2 / multiplyAddsPerSecond : (speed * 1e9) / bytesPerSecond;
      // A convolution may be limited by its bytes instead.
      expect(ofLimit).toBeGreaterThan(own * 0.999);
    }
  });

  it('is also had of a quantized model, and printed', async () => {
    const x = randn([2, 1, 6, 6]);
    const quantized = await quantize(new Net(), [x], { subsetSize: 1 });
    const profile = await profileModel(quantized.train(), [x], quick);
    expect(kernelsOf(profile)).toContain('fakeQuantize');
    expect(kernelsOf(profile)).toContain('fakeQuantizeGradient');
    const text = formatProfile(profile, 3);
    expect(text).toContain('GB/s');
    expect(text).toContain(`... and ${profile.steps.length - 3} more steps`);
    expect(text).toContain('fakeQuantizeGradient');
    expect(text).toContain('everything else');
    const twice = { ...profile.steps[0], name: 'unary+binary+binary+binary+unary', label: 'layer '.repeat(50) };
    const shortened = formatProfile({ ...profile, steps: [twice], kernels: [] });
    expect(shortened).toContain('unary+3 binary+unary');
    expect(Math.max(...shortened.split('\n').map((line) => line.length))).toBeLessThan(300);
  });
});

describe('the profile of a step', () => {
  it('includes what is called outside of the model', async () => {
    const x = randn([2, 1, 6, 6]);
    const model = (await quantize(new Net(), [x], { subsetSize: 1 })).train();
    const optimizer = new optim.SGD(model.parameters(), { lr: 1e-5, momentum: 0.9 });
    const profile = await profileStep(() => {
      optimizer.zeroGrad();
      F.crossEntropy(model.forward(x), tensor([0, 2], { dtype: 'int32' })).backward();
      optimizer.step();
    }, quick);
    const calls = profile.steps.filter(({ part }) => part === 'call').map(({ name }) => name);
    expect(calls).toContain('sgdUpdate');
    expect(calls).toContain('logSoftmax');
  });

  it('says what is wrong', async () => {
    const codeOf = (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => 'nothing was thrown',
        ({ code }: { code: string }) => code,
      );
    const step = (): void => {};
    expect(await codeOf(profileStep(step, { runs: 0 }))).toBe('PROFILE_OPTION');
    expect(await codeOf(profileStep(step, { warmup: 1.5 }))).toBe('PROFILE_OPTION');
    expect(await codeOf(profileStep(step, { run: 3 } as never))).toBe('UNKNOWN_OPTION');
    expect(await codeOf(profileStep(step, quick))).toBe('PROFILE_EMPTY');
    const elsewhere = withBackend(referenceBackend(), () => profileStep(step, quick));
    expect(await codeOf(elsewhere)).toBe('PROFILE_BACKEND');
  });
});
