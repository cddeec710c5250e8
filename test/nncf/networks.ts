/** The networks that both quantize, with the sizes of inputs, and which ways of quantizing are compared on each. */
import { models } from '../../src/nn/index.js';
import type { Module } from '../../src/nn/module.js';

/** `fullCorrection`: the performance preset with full bias correction, without overflow fix. */
export type Variant = 'performance' | 'mixed' | 'transformer' | 'fullCorrection';

export interface Network {
  readonly make: () => Module;
  /** Shape of one calibration item. */
  readonly shape: readonly number[];
  readonly variants: readonly Variant[];
  /** Known numbers with the performance preset: all quantizers, those of weights, per-channel ones of activations. */
  readonly totals?: { readonly all: number; readonly weights: number; readonly channelActivations: number };
  /** Whether ranges of channels are also computed in float64, for networks of plain convolutions. Default: false. */
  readonly inFloat64?: boolean;
}

const IMAGE = [1, 3, 64, 64];
const VARIANTS: readonly Variant[] = ['performance', 'mixed', 'fullCorrection'];
const TEN = { numClasses: 10 };
const image = (make: () => Module, shape = IMAGE): Network => ({ make, shape, variants: VARIANTS });

export const NETWORKS: Readonly<Record<string, Network>> = {
  lenet5: image(() => models.lenet5(), [1, 1, 32, 32]),
  vgg11Bn: image(() => models.vgg11Bn({ ...TEN, hiddenFeatures: 64 })),
  resnet18: { ...image(() => models.resnet18(TEN)), totals: { all: 51, weights: 21, channelActivations: 0 } },
  resnet50: image(() => models.resnet50(TEN)),
  resnet20: image(() => models.resnet20(TEN), [1, 3, 32, 32]),
  mobilenetV1: { ...image(() => models.mobilenetV1(TEN)), inFloat64: true },
  mobilenetV2: {
    ...image(() => models.mobilenetV2(TEN)),
    totals: { all: 117, weights: 53, channelActivations: 17 },
    inFloat64: true,
  },
  mobilenetV3Large: image(() => models.mobilenetV3Large(TEN)),
  efficientnetB0: image(() => models.efficientnetB0(TEN)),
  squeezenet1_0: image(() => models.squeezenet1_0(TEN)),
  googlenet: image(() => models.googlenet(TEN)),
  unet: image(() => models.unet({ initFeatures: 8, numClasses: 2 })),
  stfpm: image(() => models.stfpm()),
  transformerEncoder: {
    make: () => models.transformerEncoder({ embedDim: 32, ...TEN }),
    shape: [1, 16, 32],
    variants: [...VARIANTS, 'transformer'],
  },
};
