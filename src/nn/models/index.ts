/**
 * Well-known networks by their common names, untrained. Where torchvision has the network, its parameters have the
 * same names and shapes, so that weights saved from there load with `loadStateDict`.
 */
export { EfficientNet, type EfficientNetOptions, efficientnetB0 } from './efficientnet.js';
export { GoogLeNet, type GoogLeNetOptions, googlenet } from './googlenet.js';
export { LeNet5, type LeNet5Options, lenet5 } from './lenet.js';
export { MobileNetV1, mobilenetV1 } from './mobilenetV1.js';
export { MobileNetV2, type MobileNetV2Options, mobilenetV2 } from './mobilenetV2.js';
export { MobileNetV3Large, type MobileNetV3Options, mobilenetV3Large } from './mobilenetV3.js';
export type { ClassifierOptions, ImageModelOptions } from './options.js';
export {
  ResNet,
  type ResNetOptions,
  type ResNetStem,
  resnet18,
  resnet20,
  resnet34,
  resnet50,
} from './resnet.js';
export { SqueezeNet, type SqueezeNetOptions, squeezenet1_0 } from './squeezenet.js';
export {
  Stfpm,
  StfpmFeatureModel,
  type StfpmFeatures,
  type StfpmResult,
  stfpm,
  stfpmAnomalyMap,
  stfpmLoss,
} from './stfpm.js';
export {
  TransformerEncoder,
  TransformerEncoderLayer,
  type TransformerEncoderOptions,
  transformerEncoder,
} from './transformerEncoder.js';
export { UNet, type UNetOptions, unet } from './unet.js';
export { Vgg, type VggOptions, vgg11Bn } from './vgg.js';
