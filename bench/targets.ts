/** What the engine is to reach, and how a figure is shown beside its target. */

/** QuantGrad's QAT step divided by PyTorch + NNCF's, on 2 threads: on Node 20 with 128 bits, on Node 24 with 256. */
export const QAT_TARGETS: Readonly<Record<string, { readonly node20?: number; readonly node24: number }>> = {
  'small-cnn-28-b64': { node20: 1, node24: 0.6 },
  'resnet20-32-b64': { node20: 0.6, node24: 0.4 },
  'mobilenetv2-64-b32': { node20: 0.7, node24: 0.45 },
  'resnet18-32-b32': { node20: 1, node24: 0.6 },
  'mobilenetv2-224-b8': { node24: 0.6 },
  'resnet18-224-b8': { node24: 0.6 },
};

/** Our QAT step divided by our float step. */
export const QAT_OVER_FLOAT = 1.15;
/** Peak resident set divided by PyTorch + NNCF's. */
export const MEMORY = 1;
/** The step at twice the batch divided by twice the step. */
export const BATCH_DOUBLING = 1.05;
/** One thread's step divided by that on two, on resnet18-32-b32. */
export const TWO_THREADS = 1.7;
/** GF/s of a product of 1024 x 1024 matrices on one thread. */
export const PRODUCT = { node20: 32, node24: 75 } as const;
/** Milliseconds of the first step. */
export const FIRST_STEP = 2000;
/** How many times faster than the best JavaScript peer. */
export const PEERS = 5;

/** A ratio with its target, such as `0.57 (<= 0.6, met)`. */
export const atMost = (value: number, target: number | undefined, digits = 2): string =>
  target === undefined
    ? value.toFixed(digits)
    : `${value.toFixed(digits)} (<= ${target}, ${value <= target ? 'met' : 'not met'})`;

export const atLeast = (value: number, target: number, digits = 2): string =>
  `${value.toFixed(digits)} (>= ${target}, ${value >= target ? 'met' : 'not met'})`;
