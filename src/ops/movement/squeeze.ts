/** Squeeze and Unsqueeze: axes of extent 1 removed and inserted. Each is the gradient of the other. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, type OpenvinoForm } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { DYNAMIC, formatShape, normalizeAxes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { reshape } from './reshape.js';

export interface SqueezeAttributes {
  /** Sorted, non-negative axes; of the result for Unsqueeze. */
  readonly axes: readonly number[];
}

const axesForm = (
  where: string,
  rankOf: (x: TensorType, count: number) => number,
): OpenvinoForm<SqueezeAttributes> => ({
  opset: 'opset1',
  constants: ({ axes }) => [{ elementType: 'i64', shape: [axes.length], values: axes }],
  tensorInputs: 1,
  parse: (_data, [axes], [x]) => ({
    axes: axes ? normalizeAxes(axes, rankOf(x, axes.length), where) : unitAxes(x),
  }),
});

const unitAxes = ({ shape }: Pick<TensorType, 'shape'>): number[] =>
  shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));

export const SQUEEZE = defineOperation<SqueezeAttributes>({
  type: 'Squeeze',
  infer([x], { axes }) {
    for (const axis of axes) {
      if (x.shape[axis] !== 1 && x.shape[axis] !== DYNAMIC) {
        throw new ShapeError(
          'SQUEEZE_EXTENT',
          `squeeze: axis ${axis} of ${formatShape(x.shape)} has extent ${x.shape[axis]}; only an axis of extent 1 can be removed.`,
          { shape: x.shape, axis },
        );
      }
    }
    return [{ shape: x.shape.filter((_, axis) => !axes.includes(axis)), dtype: x.dtype }];
  },
  lower: () => 'alias',
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: axesForm('squeeze', (x) => x.shape.length),
});

export const gradientOfSqueeze: GradientRule<SqueezeAttributes> = ({ inputTypes }, [g]) => [
  g && reshape(g, inputTypes[0].shape),
];

export const UNSQUEEZE = defineOperation<SqueezeAttributes>({
  type: 'Unsqueeze',
  infer([x], { axes }) {
    const shape = [...x.shape];
    for (const axis of axes) shape.splice(axis, 0, 1);
    return [{ shape, dtype: x.dtype }];
  },
  lower: () => 'alias',
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: axesForm('unsqueeze', (x, count) => x.shape.length + count),
});

export const gradientOfUnsqueeze: GradientRule<SqueezeAttributes> = ({ inputTypes }, [g]) => [
  g && reshape(g, inputTypes[0].shape),
];

/**
 * Removes axes of extent 1.
 * @param axes May count from the end. Default: every axis of extent 1.
 * @throws ShapeError if an axis has another extent.
 */
export const squeeze = (x: Tensor, axes?: number | readonly number[]): Tensor =>
  applyOne(
    SQUEEZE,
    [x],
    { axes: axes === undefined ? unitAxes(x) : normalizeAxes(axes, x.rank, 'squeeze') },
    gradientOfSqueeze,
  );

/** Inserts axes of extent 1 at these places of the result; they may count from the end. */
export function unsqueeze(x: Tensor, axes: number | readonly number[]): Tensor {
  const list = typeof axes === 'number' ? [axes] : axes;
  const normalized = normalizeAxes(list, x.rank + list.length, 'unsqueeze');
  if (normalized.length !== list.length) {
    throw new ShapeError('AXIS_REPEATED', `unsqueeze: the axes [${list}] name one place twice.`, { axes: list });
  }
  return applyOne(UNSQUEEZE, [x], { axes: normalized }, gradientOfUnsqueeze);
}
