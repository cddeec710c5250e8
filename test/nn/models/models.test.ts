/**
 * The well-known networks: shapes, numbers of parameters as torchvision (or the port whose names are taken) counts
 * them, names of a state dictionary, a graph that computes the same, and a step of training.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { copyGraph, GraphModule } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import { square } from '../../../src/ops/elementwise/power.js';
import { mean } from '../../../src/ops/reduction/mean.js';
import { tensor } from '../../../src/tensor/create.js';
import { Generator } from '../../../src/tensor/random.js';
import { Tensor } from '../../../src/tensor/tensor.js';
import { data, errorOf, expectSame } from '../models.js';

const { models } = nn;

/** Evenly spread values stand in for random ones, which take most of the time that making a large network takes. */
beforeEach(() => {
  const spread = (values: Float32Array | Float64Array, centre: number, width: number): typeof values => {
    for (let index = 0; index < values.length; index++)
      values[index] = centre + width * (((index * 0.618_034) % 1) - 0.5);
    return values;
  };
  vi.spyOn(Generator.prototype, 'fillNormal').mockImplementation((values, centre = 0, std = 1) =>
    spread(values as Float32Array, centre, std * Math.sqrt(12)),
  );
  vi.spyOn(Generator.prototype, 'fillUniform').mockImplementation((values, low = 0, high = 1) =>
    spread(values as Float32Array, (low + high) / 2, high - low),
  );
});

afterEach(async () => {
  vi.restoreAllMocks();
  // The runner's messages need a turn of the event loop between tests that compute for long.
  await new Promise((resolve) => setImmediate(resolve));
});

const countParameters = (model: nn.Module): number => model.parameters().reduce((sum, { size }) => sum + size, 0);

/** Every tensor of a result, whatever its structure. */
const tensorsOf = (result: unknown): Tensor[] =>
  result instanceof Tensor ? [result] : Object.values(result as object).flatMap(tensorsOf);

describe('numbers of parameters', () => {
  it.each<[string, () => nn.Module, number]>([
    ['lenet5', () => models.lenet5(), 61_706],
    ['resnet18', () => models.resnet18(), 11_689_512],
    ['resnet50', () => models.resnet50(), 25_557_032],
    ['resnet20', () => models.resnet20(), 272_474],
    ['mobilenetV1', () => models.mobilenetV1(), 4_231_976],
    ['mobilenetV2', () => models.mobilenetV2(), 3_504_872],
    ['mobilenetV3Large', () => models.mobilenetV3Large(), 5_483_032],
    ['efficientnetB0', () => models.efficientnetB0(), 5_288_548],
    ['squeezenet1_0', () => models.squeezenet1_0(), 1_248_424],
    ['googlenet', () => models.googlenet(), 6_624_904],
    ['unet', () => models.unet(), 7_763_041],
    ['stfpm', () => models.stfpm(), 2 * 2_782_784],
    // Two layers of 49,984 and the last normalisation.
    ['transformerEncoder', () => models.transformerEncoder(), 100_096],
  ])('%s', (_name, make, count) => {
    expect(countParameters(make())).toBe(count);
  });

  it('vgg11Bn, whose wide hidden layers are left out', () => {
    const narrow = models.vgg11Bn({ hiddenFeatures: 1, numClasses: 1 });
    const [inputs, width, classes] = [512 * 49, 4096, 1000];
    const hidden = (inputs + 1) * width + (width + 1) * width + (width + 1) * classes;
    expect(countParameters(narrow.features) + hidden).toBe(132_868_840);
    expect(narrow.classifier.at(0)).toMatchObject({ inFeatures: inputs, outFeatures: 1 });
  });
});

const images = [2, 3, 32, 32];

describe.each<[string, () => nn.Module, readonly number[], readonly (readonly number[])[]]>([
  ['lenet5', () => models.lenet5(), [2, 1, 32, 32], [[2, 10]]],
  ['lenet5 of 28 pixels', () => models.lenet5({ imageSize: 28, numClasses: 3 }), [2, 1, 28, 28], [[2, 3]]],
  ['vgg11Bn', () => models.vgg11Bn({ hiddenFeatures: 16, numClasses: 4 }), images, [[2, 4]]],
  ['resnet18', () => models.resnet18({ numClasses: 4, inChannels: 1 }), [2, 1, 32, 32], [[2, 4]]],
  ['resnet50', () => models.resnet50({ numClasses: 4 }), images, [[2, 4]]],
  ['resnet20', () => models.resnet20(), [2, 3, 16, 16], [[2, 10]]],
  ['mobilenetV1', () => models.mobilenetV1({ numClasses: 4 }), images, [[2, 4]]],
  ['mobilenetV2', () => models.mobilenetV2({ numClasses: 4 }), images, [[2, 4]]],
  ['mobilenetV3Large', () => models.mobilenetV3Large({ numClasses: 4 }), images, [[2, 4]]],
  ['efficientnetB0', () => models.efficientnetB0({ numClasses: 4 }), images, [[2, 4]]],
  ['squeezenet1_0', () => models.squeezenet1_0({ numClasses: 4 }), images, [[2, 4]]],
  ['googlenet', () => models.googlenet({ numClasses: 4 }), images, [[2, 4]]],
  ['unet', () => models.unet({ numClasses: 2, initFeatures: 4 }), images, [[2, 2, 32, 32]]],
  [
    'stfpm',
    () => models.stfpm(),
    images,
    [...Array(2)].flatMap(() => [
      [2, 64, 8, 8],
      [2, 128, 4, 4],
      [2, 256, 2, 2],
    ]),
  ],
  ['transformerEncoder', () => models.transformerEncoder({ embedDim: 8 }), [2, 5, 8], [[2, 5, 8]]],
  [
    'transformerEncoder that classifies',
    () => models.transformerEncoder({ embedDim: 8, normFirst: false, numClasses: 3 }),
    [2, 5, 8],
    [[2, 3]],
  ],
])('%s', (_name, make, shape, shapes) => {
  it('gives these shapes, is recorded as a graph that computes the same, and trains', () => {
    const model = make().eval();
    const x = data(shape);
    const outputs = noGrad(() => tensorsOf(model.forward(x)));
    expect(outputs.map((output) => output.shape)).toEqual(shapes);
    expect(outputs.every((output) => output.dataSync().every(Number.isFinite))).toBe(true);

    const { graph, structure } = trace(model, [x]);
    const recorded = new GraphModule(copyGraph(graph), structure).eval();
    const results = noGrad(() => tensorsOf(recorded.forward(x)));
    for (const [index, result] of results.entries()) expectSame(result, outputs[index]);

    model.train();
    const loss = tensorsOf(model.forward(x))
      .map((output) => mean(square(output)))
      .reduce((sum, value) => sum.add(value));
    loss.backward();
    const trained = model.parameters().filter(({ requiresGrad }) => requiresGrad);
    const sizes = trained.map(({ grad }) => (grad ? mean(square(grad)).dataSync()[0] : Number.NaN));
    expect(sizes.every(Number.isFinite)).toBe(true);
    expect(sizes.some((size) => size > 0)).toBe(true);
  });
});

describe('names', () => {
  it.each<[string, () => nn.Module, readonly string[]]>([
    [
      'resnet18',
      () => models.resnet18({ numClasses: 2 }),
      ['conv1.weight', 'layer1.0.bn1.running_mean', 'layer4.1.conv2.weight', 'layer2.0.downsample.0.weight', 'fc.bias'],
    ],
    [
      'mobilenetV2',
      () => models.mobilenetV2({ numClasses: 2 }),
      ['features.1.conv.0.0.weight', 'features.17.conv.3.running_var', 'features.18.1.bias', 'classifier.1.weight'],
    ],
    [
      'mobilenetV3Large',
      () => models.mobilenetV3Large({ numClasses: 2 }),
      ['features.4.block.2.fc1.weight', 'features.4.block.3.1.num_batches_tracked', 'classifier.3.bias'],
    ],
    [
      'efficientnetB0',
      () => models.efficientnetB0({ numClasses: 2 }),
      ['features.1.0.block.1.fc2.bias', 'features.7.0.block.3.1.weight', 'features.8.0.weight'],
    ],
    [
      'squeezenet1_0',
      () => models.squeezenet1_0({ numClasses: 2 }),
      ['features.12.expand3x3.bias', 'classifier.1.weight'],
    ],
    [
      'googlenet',
      () => models.googlenet({ numClasses: 2 }),
      ['conv3.bn.running_var', 'inception4e.branch2.1.conv.weight', 'inception5b.branch4.1.bn.weight'],
    ],
    [
      'vgg11Bn',
      () => models.vgg11Bn({ numClasses: 2, hiddenFeatures: 2 }),
      ['features.0.bias', 'features.25.weight', 'classifier.6.bias'],
    ],
    ['mobilenetV1', () => models.mobilenetV1({ numClasses: 2 }), ['model.0.0.weight', 'model.13.4.bias', 'fc.weight']],
    ['unet', () => models.unet({ initFeatures: 2 }), ['encoder1.enc1norm2.running_mean', 'decoder4.dec4conv1.weight']],
    [
      'stfpm',
      () => models.stfpm(),
      ['teacher_model.feature_extractor.layer3.1.bn2.weight', 'student_model.feature_extractor.conv1.weight'],
    ],
    [
      'transformerEncoder',
      () => models.transformerEncoder(),
      ['layers.1.self_attn.in_proj_weight', 'layers.0.self_attn.out_proj.bias', 'layers.1.norm2.weight', 'norm.bias'],
    ],
  ])('%s takes weights by the names that PyTorch gives them', (_name, make, names) => {
    const model = make();
    const own = model.stateDict();
    const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const given = Object.fromEntries(names.map((name) => [name, own.get(camelCase(name)) as Tensor]));
    expect(names.filter((name) => !given[name])).toEqual([]);
    const { unexpected, missing } = model.loadStateDict(given, { strict: false });
    expect(unexpected).toEqual([]);
    expect(missing.length).toBe(own.size - names.length);
  });

  it('are no others than these for a residual network', () => {
    const names = [...models.resnet20().stateDict().keys()];
    expect(new Set(names.map((name) => name.split('.')[0]))).toEqual(
      new Set(['conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'fc']),
    );
  });
});

describe('options', () => {
  it.each<[() => unknown, RegExp]>([
    [
      () => models.resnet18({ num_classes: 2 } as object),
      /resnet18 has no option 'num_classes'. Did you mean 'numClasses'/,
    ],
    [() => models.resnet20({ numClasses: 0 }), /resnet20: numClasses is 0/],
    [() => models.resnet18({ stem: 'cifar' as 'small' }), /stem is 'cifar', but must be one of 'imagenet', 'small'/],
    [() => models.mobilenetV2({ dropout: 2 }), /mobilenetV2: dropout is 2/],
    [() => models.efficientnetB0({ stochasticDepth: -1 }), /stochasticDepth is -1/],
    [() => models.lenet5({ imageSize: 12 }), /inFeatures is 0/],
    [() => models.transformerEncoder({ embedDim: 10 }), /embedDim \/ numHeads is 2.5/],
    [() => models.transformerEncoder({ normFirst: 1 as unknown as boolean }), /normFirst must be true or false/],
  ])('are checked (%#)', (make, message) => {
    expect(errorOf(make).message).toMatch(message);
  });

  it('set what drops while training', () => {
    const dropouts = models
      .efficientnetB0({ numClasses: 2, stochasticDepth: 0.8, dropout: 0.3 })
      .modules()
      .filter((module) => module instanceof nn.StochasticDepth || module instanceof nn.Dropout)
      .map(({ probability }) => probability);
    expect(dropouts.length).toBe(17);
    expect(dropouts.at(0)).toBe(0);
    expect(dropouts.at(15)).toBeCloseTo((0.8 * 15) / 16);
    expect(dropouts.at(16)).toBe(0.3);
  });
});

describe('stfpm', () => {
  it('trains the student only', () => {
    const model = models.stfpm().train();
    expect(model.teacherModel.modules().some(({ training }) => training)).toBe(false);
    expect(model.studentModel.modules().every(({ training }) => training)).toBe(true);
    models.stfpmLoss(model.forward(data([1, 3, 32, 32]))).backward();
    expect(model.teacherModel.parameters().every(({ grad }) => grad === null)).toBe(true);
    expect(model.studentModel.parameters().every(({ grad }) => grad !== null)).toBe(true);
  });

  it('measures half the squared distance of normalised vectors', () => {
    // Maps of one place with vectors at right angles, equal but for their length, and opposite.
    const map = (first: number, second: number): Tensor => tensor([[[[first]], [[second]]]]);
    const result = {
      teacher: { layer1: map(3, 0), layer2: map(2, 2), layer3: map(1, 0) },
      student: { layer1: map(0, 2), layer2: map(5, 5), layer3: map(-4, 0) },
    };
    expect(models.stfpmLoss(result).dataSync()[0]).toBeCloseTo(1 + 0 + 2);
    const other = { ...result, student: { ...result.student, layer2: map(2, -2) } };
    const anomalies = models.stfpmAnomalyMap(other, [3, 5]);
    expect(anomalies.shape).toEqual([1, 1, 3, 5]);
    for (const value of anomalies.dataSync()) expect(value).toBeCloseTo(1 * 1 * 2);
  });
});
