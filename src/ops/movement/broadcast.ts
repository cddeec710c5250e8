/** Broadcast and ReduceSum. Each is the gradient of the other, so they share a file. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ShapeError, UnsupportedError } from '../../errors.js';
import {
  broadcastShapes,
  formatShape,
  normalizeAxes,
  reducedShape,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type ReduceAttributes, reduceForm } from '../reduction/form.js';
import { reshape } from './reshape.js';

export interface BroadcastAttributes {
  readonly shape: readonly number[];
}

export const BROADCAST = defineOperation<BroadcastAttributes>({
  type: 'Broadcast',
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes(x.shape, shape, 'broadcastTo'), shape)) {
      throw new ShapeError(
        'BROADCAST_MISMATCH',
        `broadcastTo: a tensor of shape ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}.`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  lower: () => kernelCall('broadcast', {}),
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: () => 'opset3',
    data: () => ({ mode: 'numpy' }),
    constants: ({ shape }) => [{ elementType: 'i64', shape: [shape.length], values: shape }],
    tensorInputs: 1,
    parse(data, [shape], [x]) {
      const mode = data.string('mode', 'numpy').toLowerCase();
      if (mode === 'numpy') return { shape: [...shape] };
      if (mode === 'bidirectional') return { shape: broadcastShapes(x.shape, shape, 'Broadcast') };
      throw new UnsupportedError(
        'BROADCAST_MODE',
        `Broadcast: the mode '${mode}' is not supported, only numpy and bidirectional.`,
        { mode },
      );
    },
  },
});

export const gradientOfBroadcast: GradientRule<BroadcastAttributes> = ({ inputTypes }, [g]) => [
  g && sumToShape(g, inputTypes[0].shape),
];

/** Copies `x` to a larger shape by NumPy's rule. */
export const broadcastTo = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : applyOne(BROADCAST, [x], { shape: [...shape] }, gradientOfBroadcast);

export const REDUCE_SUM = defineOperation<ReduceAttributes>({
  type: 'ReduceSum',
  infer: ([x], { axes, keepDims }) => [{ shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype }],
  lower: (_inputs, { axes }) => kernelCall('reduce', { function: 'sum', axes }),
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
  openvino: reduceForm,
});

export const gradientOfReduceSum: GradientRule<ReduceAttributes> = ({ inputTypes, attributes }, [g]) => {
  const { shape } = inputTypes[0];
  return [g && broadcastTo(reshape(g, reducedShape(shape, attributes.axes, true)), shape)];
};

/** Sum over `axes` (default: all). */
export const sum = (x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor =>
  applyOne(REDUCE_SUM, [x], { axes: normalizeAxes(axes, x.rank, 'sum'), keepDims }, gradientOfReduceSum);

/** Sums the gradient of a broadcast result back to the shape of the operand. */
export function sumToShape(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
  );
  return reshape(axes.length > 0 ? sum(gradient, axes, true) : gradient, shape);
}
