import {
  CheckpointError,
  defaultGenerator,
  deserializeCheckpoint,
  Generator,
  getConfig,
  loadFromConfig,
  manualSeed,
  nn,
  noGrad,
  optim,
  QuantizedModel,
  serializeCheckpoint,
  type Tensor,
  tensor,
  ValidationError,
} from 'quantgrad';
import { beforeEach, describe, expect, it } from 'vitest';
import { adam, everythingOf, images, quantizedNet, SmallNet, stateOf, trainSteps } from './networks.js';

beforeEach(() => {
  manualSeed(0);
});

const outputOf = (model: nn.Module): number[] => {
  const { training } = model;
  model.eval();
  const output = noGrad(() => model.forward(images(3, 9)) as Tensor).dataSync();
  model.train(training);
  return [...output];
};

describe('a checkpoint', () => {
  it('of a float model gives back everything', async () => {
    const model = new SmallNet();
    const optimizer = adam(model);
    trainSteps(model, optimizer, 3);
    const bytes = await serializeCheckpoint({ model, optimizer, epoch: 4, notes: { best: Number.NaN, tags: ['a'] } });
    const restored = deserializeCheckpoint(bytes, { model: new SmallNet(), optimizer: (built) => adam(built.model) });
    expect(restored.model).not.toBeInstanceOf(QuantizedModel);
    expect(everythingOf(restored.model)).toEqual(everythingOf(model));
    expect(stateOf(restored.optimizer)).toEqual(stateOf(optimizer));
    expect(restored.epoch).toBe(4);
    expect(restored.notes).toEqual({ best: Number.NaN, tags: ['a'] });
  });

  it('of a quantized model is restored into a float model, which stays as it is', async () => {
    const model = await quantizedNet(4);
    trainSteps(model, adam(model), 3);
    const float = new SmallNet();
    const before = everythingOf(float);
    const { model: restored } = deserializeCheckpoint(await serializeCheckpoint({ model }), { model: float });
    expect(restored).toBeInstanceOf(QuantizedModel);
    expect(everythingOf(restored)).toEqual(everythingOf(model));
    expect(getConfig(restored as QuantizedModel)).toEqual(getConfig(model));
    expect(outputOf(restored)).toEqual(outputOf(model));
    expect(everythingOf(float)).toEqual(before);
  });

  it('of a quantized model is restored into a quantized model of the same configuration', async () => {
    const model = await quantizedNet();
    model.quantizers[1].disable();
    const bytes = await serializeCheckpoint({ model });
    trainSteps(model, adam(model), 2);
    const target = loadFromConfig(new SmallNet(), getConfig(await quantizedNet()));
    expect(deserializeCheckpoint(bytes, { model: target }).model).toBe(target);
    expect(target.quantizers.map(({ enabled }) => enabled)).toEqual(model.quantizers.map((_, index) => index !== 1));
    expect(outputOf(target)).not.toEqual(outputOf(model));
    expect(deserializeCheckpoint(bytes, { model }).model).toBe(model);
    expect(outputOf(target)).toEqual(outputOf(model));
  });

  it.each(['float', 'quantized'])('keeps modes and what needs no gradient (%s)', async (kind) => {
    const model = kind === 'float' ? new SmallNet() : await quantizedNet();
    model.train();
    if (model instanceof SmallNet) model.bn.eval();
    else model.eval();
    const [first, second] = model.parameters();
    first.requiresGrad = false;
    const { model: restored } = deserializeCheckpoint(await serializeCheckpoint({ model }), { model: new SmallNet() });
    expect(everythingOf(restored)).toEqual(everythingOf(model));
    expect(restored.parameters()[0].requiresGrad).toBe(false);
    expect(restored.parameters()[1].requiresGrad).toBe(second.requiresGrad);
  });

  it('keeps quantizers that are switched off', async () => {
    const model = await quantizedNet();
    model.quantizers[0].disable();
    const restored = deserializeCheckpoint(await serializeCheckpoint({ model }), { model: new SmallNet() });
    expect((restored.model as QuantizedModel).quantizers.map(({ enabled }) => enabled)).toEqual(
      model.quantizers.map((_, index) => index !== 0),
    );
  });

  it('keeps random generators, also the default one', async () => {
    const own = new Generator(3);
    own.normal();
    defaultGenerator().normal();
    const bytes = await serializeCheckpoint({ model: new nn.Linear(1, 1), own });
    const next = [own.uniform(), defaultGenerator().uniform()];
    const { own: restored } = deserializeCheckpoint(bytes, { model: new nn.Linear(1, 1), own: new Generator() });
    expect([restored.uniform(), defaultGenerator().uniform()]).toEqual(next);
  });

  it('keeps several models, optimizers and tensors', async () => {
    const [student, teacher] = [new SmallNet(), new SmallNet()];
    const optimizers = { first: adam(student), second: new optim.SGD(teacher.parameters(), { lr: 1, momentum: 0.9 }) };
    trainSteps(student, optimizers.first, 1);
    trainSteps(teacher, optimizers.second, 2);
    const bytes = await serializeCheckpoint({ model: student, teacher, ...optimizers, mean: tensor([1, 2]) });
    const restored = deserializeCheckpoint(bytes, {
      model: new SmallNet(),
      teacher: new SmallNet(),
      first: ({ model }) => adam(model),
      second: ({ teacher }) => new optim.SGD((teacher as SmallNet).parameters(), { momentum: 0.9 }),
    });
    expect(everythingOf(restored.teacher)).toEqual(everythingOf(teacher));
    expect(stateOf(restored.first)).toEqual(stateOf(optimizers.first));
    expect(stateOf(restored.second)).toEqual(stateOf(optimizers.second));
    expect([...(restored.mean as Tensor).dataSync()]).toEqual([1, 2]);
  });

  it('is of the moment of the call', async () => {
    const model = new SmallNet();
    const optimizer = adam(model);
    trainSteps(model, optimizer, 1);
    const before = [everythingOf(model), stateOf(optimizer)];
    const pending = serializeCheckpoint({ model, optimizer });
    trainSteps(model, optimizer, 2);
    const restored = deserializeCheckpoint(await pending, {
      model: new SmallNet(),
      optimizer: (built) => adam(built.model),
    });
    expect([everythingOf(restored.model), stateOf(restored.optimizer)]).toEqual(before);
  });

  it('comes in two parts, too: configuration and state', async () => {
    const model = await quantizedNet(3);
    trainSteps(model, adam(model), 2);
    const config = JSON.parse(JSON.stringify(getConfig(model)));
    const again = loadFromConfig(new SmallNet(), config);
    again.loadStateDict(model.stateDict());
    expect(outputOf(again)).toEqual(outputOf(model));
    expect(getConfig(again)).toEqual(getConfig(model));
  });
});

describe('saving refuses', () => {
  it.each([
    ['a function', { callback: () => 0 }, 'NOT_SAVEABLE'],
    ['a part with a name that could be a tensor of the model', { 'model.fc': 1 }, 'NOT_SAVEABLE'],
    ['something that is no model', { model: {} as nn.Module }, 'NO_MODEL'],
  ])('%s', async (_, contents, code) => {
    const saving = serializeCheckpoint({ model: new nn.Linear(1, 1), ...contents });
    await expect(saving).rejects.toBeInstanceOf(ValidationError);
    await expect(saving).rejects.toMatchObject({ code });
  });
});

describe('a restore that fails leaves everything as it was', () => {
  /** A training in the middle of itself, and a checkpoint of another moment of it. */
  async function training(model: nn.Module) {
    const optimizer = adam(model);
    const scheduler = new optim.StepLR(optimizer, { stepSize: 1 });
    const noise = new Generator(5);
    trainSteps(model, optimizer, 1);
    const bytes = await serializeCheckpoint({ model, optimizer, scheduler, noise });
    trainSteps(model, optimizer, 2);
    scheduler.step();
    noise.normal();
    model.eval();
    model.parameters()[0].requiresGrad = false;
    defaultGenerator().normal();
    const look = () => ({
      model: everythingOf(model),
      optimizer: stateOf(optimizer),
      scheduler: scheduler.stateDict(),
      generators: [noise.state(), defaultGenerator().state()],
      enabled: model instanceof QuantizedModel ? model.quantizers.map(({ enabled }) => enabled) : [],
    });
    return { bytes, targets: { model, optimizer, scheduler, noise }, look };
  }

  it('can also succeed', async () => {
    const { bytes, targets, look } = await training(new SmallNet());
    const before = look();
    deserializeCheckpoint(bytes, targets);
    expect(look()).not.toEqual(before);
  });

  it.each(['float', 'quantized'])('when a later part does not fit (%s model)', async (kind) => {
    const model = kind === 'float' ? new SmallNet() : await quantizedNet();
    if (model instanceof QuantizedModel) model.quantizers[0].disable();
    const { bytes, targets, look } = await training(model);
    if (model instanceof QuantizedModel) model.quantizers[0].enable();
    const other = new optim.CosineAnnealingLR(adam(new SmallNet()), { tMax: 3 });
    const before = look();
    const restore = () => deserializeCheckpoint(bytes, { ...targets, scheduler: other });
    expect(restore).toThrow(CheckpointError);
    expect(restore).toThrow(/does not belong.*StepLR/s);
    expect(look()).toEqual(before);
  });

  it('when the model does not fit', async () => {
    const { bytes, targets, look } = await training(new SmallNet());
    const other = new SmallNet(5);
    const before = look();
    const otherBefore = everythingOf(other);
    expect(() => deserializeCheckpoint(bytes, { ...targets, model: other })).toThrow(/conv\.weight has shape/);
    expect(everythingOf(other)).toEqual(otherBefore);
    expect(look()).toEqual(before);
  });

  it('when a part is not in the file, naming those that are', async () => {
    const { bytes, targets, look } = await training(new SmallNet());
    const before = look();
    const restore = () => deserializeCheckpoint(bytes, { ...targets, loader: new Generator() });
    expect(restore).toThrow(CheckpointError);
    expect(restore).toThrow(/no 'loader'; it has model, optimizer, scheduler, noise/);
    expect(look()).toEqual(before);
  });

  it('when a factory changes a part before another one fails', async () => {
    const { bytes, targets, look } = await training(new SmallNet());
    const before = look();
    const restore = () =>
      deserializeCheckpoint(bytes, {
        ...targets,
        scheduler: () => new optim.StepLR(targets.optimizer, { stepSize: 1 }),
        noise: () => {
          defaultGenerator().uniform();
          throw new Error('no noise today');
        },
      });
    expect(restore).toThrow('no noise today');
    expect(look()).toEqual(before);
  });

  it('when what a factory gives cannot be restored', async () => {
    const { bytes, targets, look } = await training(new SmallNet());
    const before = look();
    const nothing = (() => 5) as unknown as () => Generator;
    expect(() => deserializeCheckpoint(bytes, { ...targets, noise: nothing })).toThrow(/'noise'.*number/);
    expect(look()).toEqual(before);
  });
});

describe('a checkpoint of another model', () => {
  it('is refused when the quantizers differ', async () => {
    const bytes = await serializeCheckpoint({ model: await quantizedNet(8) });
    const other = await quantizedNet(4);
    const before = everythingOf(other);
    expect(() => deserializeCheckpoint(bytes, { model: other })).toThrow(/quantizers.*differ/);
    expect(everythingOf(other)).toEqual(before);
  });

  it('is refused when the float model has other operations or shapes', async () => {
    const bytes = await serializeCheckpoint({ model: await quantizedNet() });
    const plain = new nn.Sequential(new nn.Flatten(), new nn.Linear(16, 2));
    expect(() => deserializeCheckpoint(bytes, { model: plain })).toThrow(CheckpointError);
    expect(() => deserializeCheckpoint(bytes, { model: new SmallNet(4) })).toThrow(CheckpointError);
  });

  it('is refused when one is quantized and the other is not', async () => {
    const quantized = await quantizedNet();
    const bytes = await serializeCheckpoint({ model: new SmallNet() });
    expect(() => deserializeCheckpoint(bytes, { model: quantized })).toThrow(/missing: quantizers/);
  });
});
