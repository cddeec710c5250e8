/** TopK: the k largest or smallest elements along an axis, with their positions. */
import { apply } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ShapeError, UnsupportedError } from '../../errors.js';
import { DYNAMIC, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireDomain } from '../checks.js';
import { requireAxis } from '../movement/gather.js';
import { gatherElementsGradient } from '../movement/gatherElements.js';
import { reshape } from '../movement/reshape.js';
import { squeeze } from '../movement/squeeze.js';

export interface TopKAttributes {
  /** May count from the end. */
  readonly axis: number;
  readonly k: number;
  readonly mode: 'max' | 'min';
}

export const TOP_K = defineOperation<TopKAttributes>({
  type: 'TopK',
  infer([x], attributes) {
    requireDomain('topK', 'number', x);
    const { k } = attributes;
    const axis = requireAxis('topK', attributes.axis, x);
    const extent = x.shape[axis];
    if (!Number.isInteger(k) || k < 1 || (extent !== DYNAMIC && k > extent)) {
      throw new ShapeError(
        'TOP_K_COUNT',
        `topK: k is ${k}, but axis ${axis} of ${formatShape(x.shape)} has ${extent === DYNAMIC ? 'at least 1' : extent} elements to choose from.`,
        { shape: x.shape, axis, k },
      );
    }
    const shape = x.shape.map((each, index) => (index === axis ? k : each));
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'int32' },
    ];
  },
  lower: ([x], { axis, k, mode }) => kernelCall('topK', { axis: requireAxis('topK', axis, x), k, mode }),
  saves: { outputs: [1] },
  openvino: {
    opset: 'opset11',
    data: ({ axis, mode }) => ({ axis, mode, sort: 'value', index_element_type: 'i32', stable: true }),
    constants: ({ k }) => [{ elementType: 'i64', shape: [], values: [k] }],
    tensorInputs: 1,
    parse(data, [[k]]) {
      const mode = data.string('mode').toLowerCase();
      const sort = data.string('sort', 'value').toLowerCase();
      if ((mode !== 'max' && mode !== 'min') || sort === 'index') {
        throw new UnsupportedError(
          'TOP_K_MODE',
          `TopK: mode '${mode}' with sort '${sort}' is not supported; only max or min, sorted by value, is.`,
          {
            mode,
            sort,
          },
        );
      }
      return { axis: data.number('axis'), k, mode };
    },
  },
});

export const gradientOfTopK: GradientRule<TopKAttributes> = ({ inputTypes, attributes, output }, [g]) => [
  g && gatherElementsGradient(g, output(1), attributes.axis, inputTypes[0].shape),
];

export interface TopKOptions {
  /** Default: the last. */
  axis?: number;
  /** False for the smallest elements. Default: true. */
  largest?: boolean;
}

/** The k largest (or smallest) elements, best first, and their int32 positions; among equals the lower position first. */
export function topK(
  x: Tensor,
  k: number,
  { axis = -1, largest = true }: TopKOptions = {},
): { values: Tensor; indices: Tensor } {
  const [values, indices] = apply(TOP_K, [x], { axis, k, mode: largest ? 'max' : 'min' }, gradientOfTopK);
  return { values, indices };
}

function position(x: Tensor, axis: number | undefined, keepDims: boolean, largest: boolean): Tensor {
  if (axis === undefined) {
    const { indices } = topK(reshape(x, [-1]), 1, { axis: 0, largest });
    return reshape(indices, keepDims ? x.shape.map(() => 1) : []);
  }
  const { indices } = topK(x, 1, { axis, largest });
  return keepDims ? indices : squeeze(indices, axis);
}

/** int32 position of the largest element along `axis` (default: in the flattened tensor); the first of equals. */
export const argMax = (x: Tensor, axis?: number, keepDims = false): Tensor => position(x, axis, keepDims, true);

/** int32 position of the smallest element along `axis` (default: in the flattened tensor); the first of equals. */
export const argMin = (x: Tensor, axis?: number, keepDims = false): Tensor => position(x, axis, keepDims, false);
