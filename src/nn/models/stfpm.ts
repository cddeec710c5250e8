/**
 * STFPM, student-teacher feature pyramid matching for finding anomalies in images (Wang et al., 2021): a student
 * learns to give the feature maps that a trained ResNet-18 gives for good images, and fails where something is odd.
 * Layers are called as in Anomalib.
 */
import { add } from '../../ops/elementwise/add.js';
import { divide } from '../../ops/elementwise/divide.js';
import { maximum } from '../../ops/elementwise/maximum.js';
import { multiply } from '../../ops/elementwise/multiply.js';
import { square } from '../../ops/elementwise/power.js';
import { sqrt } from '../../ops/elementwise/sqrt.js';
import { subtract } from '../../ops/elementwise/subtract.js';
import { sum } from '../../ops/movement/broadcast.js';
import { interpolate } from '../../ops/neural/interpolate.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { initializeByFanOut } from './blocks.js';
import { type ImageModelOptions, readOptions } from './options.js';
import { ResNetTrunk } from './resnet.js';

/** Feature maps of the first three stages of a ResNet-18. */
export interface StfpmFeatures {
  /** [N, 64, H / 4, W / 4]. */
  readonly layer1: Tensor;
  /** [N, 128, H / 8, W / 8]. */
  readonly layer2: Tensor;
  /** [N, 256, H / 16, W / 16]. */
  readonly layer3: Tensor;
}

/** What STFPM gives for a batch of images. */
export interface StfpmResult {
  readonly teacher: StfpmFeatures;
  readonly student: StfpmFeatures;
}

/** A ResNet-18 up to its third stage. torchvision's weights fit, with `{ strict: false }` for what comes after. */
class FeatureExtractor extends ResNetTrunk {
  constructor(inChannels: number) {
    super({ block: 'basic', widths: [64, 128, 256], depths: [2, 2, 2] }, inChannels, 'imagenet');
    initializeByFanOut(this);
  }

  override forward(x: Tensor): StfpmFeatures {
    const [layer1, layer2, layer3] = this.stages(x);
    return { layer1, layer2, layer3 };
  }
}

/** One of the two networks: images [N, inChannels, H, W] to their three feature maps. */
export class StfpmFeatureModel extends Module {
  readonly featureExtractor: FeatureExtractor;

  constructor(inChannels: number) {
    super();
    this.featureExtractor = new FeatureExtractor(inChannels);
  }

  override forward(x: Tensor): StfpmFeatures {
    return this.featureExtractor.forward(x);
  }
}

/**
 * Teacher and student side by side. The teacher is not trained: its parameters take no gradient and its batch
 * normalisation always uses running statistics; load trained weights into it.
 */
export class Stfpm extends Module {
  readonly teacherModel: StfpmFeatureModel;
  readonly studentModel: StfpmFeatureModel;

  constructor(options?: ImageModelOptions) {
    super();
    const { inChannels } = readOptions('stfpm', { ...options }, { inChannels: 3 });
    this.teacherModel = new StfpmFeatureModel(inChannels);
    this.teacherModel.requiresGrad_(false).eval();
    this.studentModel = new StfpmFeatureModel(inChannels);
  }

  override forward(x: Tensor): StfpmResult {
    return { teacher: this.teacherModel.forward(x), student: this.studentModel.forward(x) };
  }

  override train(mode = true): this {
    super.train(mode);
    this.teacherModel.eval();
    return this;
  }
}

/** STFPM of two ResNet-18 up to the third stage; 2,782,784 parameters each by default. */
export const stfpm = (options?: ImageModelOptions): Stfpm => new Stfpm(options);

/** A feature map with vectors of length 1 along the channels. */
function normalized(features: Tensor): Tensor {
  const length = sqrt(sum(square(features), 1, true));
  return divide(features, maximum(length, 1e-12));
}

const pairs = ({ teacher, student }: StfpmResult): [Tensor, Tensor][] => [
  [teacher.layer1, student.layer1],
  [teacher.layer2, student.layer2],
  [teacher.layer3, student.layer3],
];

/**
 * What to train the student by, a scalar: over the three maps, the sum of half the squared distances between
 * normalised vectors, divided by the number of places of the map.
 */
export function stfpmLoss(result: StfpmResult): Tensor {
  return pairs(result)
    .map(([teacher, student]) => {
      const [, , height, width] = teacher.shape;
      const distances = sum(square(subtract(normalized(teacher), normalized(student))));
      return multiply(distances, 0.5 / (height * width));
    })
    .reduce((total, loss) => add(total, loss));
}

/**
 * How odd each pixel is, [N, 1, height, width]: the product over the three maps of half the squared distance
 * between normalised vectors, enlarged bilinearly.
 * @param imageSize [height, width] of the images.
 */
export function stfpmAnomalyMap(result: StfpmResult, imageSize: readonly [number, number]): Tensor {
  return pairs(result)
    .map(([teacher, student]) => {
      const distances = sum(square(subtract(normalized(teacher), normalized(student))), 1, true);
      return interpolate(multiply(distances, 0.5), { size: [...imageSize], mode: 'bilinear' });
    })
    .reduce((product, map) => multiply(product, map));
}
