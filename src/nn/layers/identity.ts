/** The layer that does nothing, for where a model can do with or without one. */
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}
