/** The networks of large.py. */
import { models } from '../../../src/nn/index.js';
import type { Module } from '../../../src/nn/module.js';

export const LARGE: Readonly<Record<string, readonly [make: () => Module, shape: readonly number[]]>> = {
  resnet18: [() => models.resnet18({ numClasses: 10 }), [1, 3, 64, 64]],
  resnet20: [() => models.resnet20(), [1, 3, 16, 16]],
  mobilenetV2: [() => models.mobilenetV2({ numClasses: 10 }), [1, 3, 64, 64]],
};
