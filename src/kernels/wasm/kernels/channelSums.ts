/**
 * Sums over all axes but that of the channels, such as the gradient of a bias, as something that a loop over rows does on
 * the way: the gradient need not be read once more for them.
 */
import { isFloat32 } from './loops.js';
import type { RowKernel } from './rowBody.js';
import { planeCut } from './rowPlan.js';

/** The sum of x [N, C, ..] over all axes but 1. Other reductions have a loop of their own. */
export const channelSums: RowKernel<'reduce'> = ([x], { function: name, axes }) => {
  const { shape } = x;
  const cut = planeCut(shape);
  const allButChannels = axes.length === shape.length - 1 && !axes.includes(1);
  if (name !== 'sum' || !cut || !allButChannels || !isFloat32(x)) return null;
  return {
    key: 'channelSums',
    shape,
    cut,
    outputs: [{ perChannel: true }],
    lanes: (_code, [value]) => ({ value: null, terms: [() => value] }),
  };
};
