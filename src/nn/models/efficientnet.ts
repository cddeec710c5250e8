/** EfficientNet-B0 (Tan and Le, 2019), as torchvision's `efficientnet_b0`. */
import { add } from '../../ops/elementwise/add.js';
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { uniform_, zeros_ } from '../init.js';
import { Sigmoid, SiLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { checkNumber } from '../layers/checks.js';
import { Dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { StochasticDepth } from '../layers/stochasticDepth.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { convNormActivation, initializeByFanOut, SqueezeExcitation } from './blocks.js';
import { type ClassifierOptions, type DropoutOption, readOptions } from './options.js';

export interface EfficientNetOptions extends ClassifierOptions, DropoutOption {
  /**
   * Share of the samples that skip the last residual block while training, 0 to 1; earlier blocks are skipped
   * less, in proportion to their place. Default: 0.2.
   */
  stochasticDepth?: number;
}

const activation = (): SiLU => new SiLU();

/** An inverted residual with squeeze-and-excite, skipped now and then while training. */
class MBConv extends Module {
  readonly block: Sequential;
  readonly stochasticDepth: StochasticDepth;
  readonly #residual: boolean;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number,
    stride: number,
    expandRatio: number,
    skipProbability: number,
  ) {
    super();
    const expanded = inChannels * expandRatio;
    const squeezed = Math.max(1, Math.floor(inChannels / 4));
    this.block = new Sequential(
      ...(expanded === inChannels ? [] : [convNormActivation(inChannels, expanded, 1, { activation })]),
      convNormActivation(expanded, expanded, kernel, { stride, groups: expanded, activation }),
      new SqueezeExcitation(expanded, squeezed, new SiLU(), new Sigmoid()),
      convNormActivation(expanded, outChannels, 1, { activation: null }),
    );
    this.stochasticDepth = new StochasticDepth(skipProbability);
    this.#residual = stride === 1 && inChannels === outChannels;
  }

  override forward(x: Tensor): Tensor {
    const y = this.block.forward(x);
    return this.#residual ? add(this.stochasticDepth.forward(y), x) : y;
  }
}

/** Expansion, kernel, stride, width, and number of blocks of each stage. */
const B0 = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
];

/** Images [N, inChannels, H, W] to [N, numClasses]; height and width shrink 32-fold. Default of `dropout`: 0.2. */
export class EfficientNet extends Module {
  readonly features: Sequential;
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly classifier: Sequential;

  constructor(where: string, stages: readonly (readonly number[])[], options?: EfficientNetOptions) {
    super();
    const { stochasticDepth = 0.2, ...rest } = { ...options };
    const defaults = { numClasses: 1000, inChannels: 3, dropout: 0.2 };
    const { numClasses, inChannels, dropout } = readOptions(where, rest, defaults);
    checkNumber(where, 'stochasticDepth', stochasticDepth, 0, 1);
    const total = stages.reduce((sum, [, , , , depth]) => sum + depth, 0);
    let channels = 32;
    let index = 0;
    const stageModules = stages.map(([expandRatio, kernel, stride, width, depth]) => {
      const blocks = Array.from({ length: depth }, (_, position) => {
        const skip = (stochasticDepth * index++) / total;
        const block = new MBConv(channels, width, kernel, position === 0 ? stride : 1, expandRatio, skip);
        channels = width;
        return block;
      });
      return new Sequential(...blocks);
    });
    const last = 4 * channels;
    this.features = new Sequential(
      convNormActivation(inChannels, 32, 3, { stride: 2, activation }),
      ...stageModules,
      convNormActivation(channels, last, 1, { activation }),
    );
    const head = new Linear(last, numClasses);
    this.classifier = new Sequential(new Dropout(dropout), head);
    initializeByFanOut(this);
    uniform_(head.weight, -1 / Math.sqrt(numClasses), 1 / Math.sqrt(numClasses));
    if (head.bias) zeros_(head.bias);
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.avgpool.forward(this.features.forward(x)), 1));
  }
}

/** EfficientNet-B0; 5,288,548 parameters by default. */
export const efficientnetB0 = (options?: EfficientNetOptions): EfficientNet =>
  new EfficientNet('efficientnetB0', B0, options);
