/** What all reductions share: their attributes and their form in IR, where the axes are a constant input. */
import type { OpenvinoForm } from '../../autograd/operation.js';
import { normalizeAxes } from '../../tensor/shape.js';

export interface ReduceAttributes {
  /** Sorted, non-negative axes. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

export const reduceForm: OpenvinoForm<ReduceAttributes> = {
  opset: () => 'opset1',
  data: ({ keepDims }) => ({ keep_dims: keepDims }),
  constants: ({ axes }) => [{ elementType: 'i64', shape: [axes.length], values: axes }],
  tensorInputs: 1,
  parse: (data, [axes], [x]) => ({
    axes: normalizeAxes(axes, x.shape.length, 'reduction'),
    keepDims: data.boolean('keep_dims'),
  }),
};
