/** Pad: more elements around a tensor, of one value or repeated from its border. Negative amounts crop. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { ShapeError, UnsupportedError } from '../../errors.js';
import { isFloating } from '../../kernels/dtype.js';
import { DYNAMIC, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

export type PadMode = 'constant' | 'edge' | 'reflect';

export interface PadAttributes {
  /** Elements to add before and after each axis; negative ones crop. */
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly mode: PadMode;
  /** The value of `constant` padding. */
  readonly value: number;
}

const PAD_MODES: readonly PadMode[] = ['constant', 'edge', 'reflect'];

export const PAD = defineOperation<PadAttributes>({
  type: 'Pad',
  infer([x], { padsBegin, padsEnd, mode }) {
    const { shape } = x;
    if (padsBegin.length !== shape.length || padsEnd.length !== shape.length) {
      throw new ShapeError(
        'PAD_RANK',
        `pad: a tensor of shape ${formatShape(shape)} needs ${shape.length} amounts before and after, ` +
          `but ${padsBegin.length} and ${padsEnd.length} were given.`,
        { shape, padsBegin, padsEnd },
      );
    }
    const padded = shape.map((extent, axis) => {
      const [begin, end] = [padsBegin[axis], padsEnd[axis]];
      const fits = extent === DYNAMIC || extent + begin + end >= 0;
      if (!Number.isInteger(begin) || !Number.isInteger(end) || !fits) {
        throw new ShapeError(
          'PAD_AMOUNT',
          `pad: ${begin} elements before and ${end} after axis ${axis} of ${formatShape(shape)} leave no axis.`,
          { shape, axis, begin, end },
        );
      }
      const limit = mode === 'reflect' ? extent - 1 : mode === 'edge' && extent === 0 ? 0 : Number.POSITIVE_INFINITY;
      if (extent !== DYNAMIC && Math.max(begin, end, 0) > Math.max(limit, 0)) {
        throw new ShapeError(
          'PAD_TOO_LARGE',
          `pad: '${mode}' padding of axis ${axis} of ${formatShape(shape)} can add at most ${Math.max(limit, 0)} elements on a side, ` +
            `not ${Math.max(begin, end)}.`,
          { shape, axis, begin, end, mode },
        );
      }
      return extent === DYNAMIC ? DYNAMIC : extent + begin + end;
    });
    return [{ shape: padded, dtype: x.dtype }];
  },
  lower: (_inputs, { padsBegin, padsEnd, mode, value }) => kernelCall('pad', { padsBegin, padsEnd, mode, value }),
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: () => 'opset12',
    data: ({ mode }) => ({ pad_mode: mode }),
    constants({ padsBegin, padsEnd, mode, value }, [x]) {
      const amounts = [padsBegin, padsEnd].map((pads) => ({
        elementType: 'i64' as const,
        shape: [pads.length],
        values: pads,
      }));
      // The value must have the type of the data.
      const elementType = isFloating(x.dtype) ? ('f32' as const) : ('i32' as const);
      return mode === 'constant' ? [...amounts, { elementType, shape: [], values: [value] }] : amounts;
    },
    tensorInputs: 1,
    parse(data, [padsBegin, padsEnd, value]) {
      const name = data.string('pad_mode').toLowerCase();
      const mode = PAD_MODES.find((candidate) => candidate === name);
      if (!mode) {
        throw new UnsupportedError(
          'PAD_MODE',
          `Pad: mode '${name}' is not supported; known are ${PAD_MODES.join(', ')}.`,
          {
            mode: name,
          },
        );
      }
      return { padsBegin: [...padsBegin], padsEnd: [...padsEnd], mode, value: value?.[0] ?? 0 };
    },
  },
});

export const gradientOfPad: GradientRule<PadAttributes> = ({ inputTypes, attributes }, [g]) => [
  g && applyOne(PAD_GRADIENT, [g], { ...attributes, shape: inputTypes[0].shape }),
];

/** Internal: it occurs in backward passes only. */
const PAD_GRADIENT: OperationDefinition<PadAttributes & { readonly shape: readonly number[] }> = {
  type: 'PadGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: (_inputs, { padsBegin, padsEnd, mode }) => kernelCall('padGradient', { padsBegin, padsEnd, mode }),
};

export interface PadOptions {
  /** `constant` (default) adds `value`, `edge` repeats the border, `reflect` mirrors at it without repeating it. */
  mode?: PadMode;
  /** Default: 0. */
  value?: number;
}

/**
 * Adds elements around `x`.
 * @param padsBegin Elements before each axis, one number per axis; negative ones crop.
 * @param padsEnd Elements after each axis.
 * @throws ShapeError if the amounts do not fit the axes; `reflect` can add at most one less than the extent.
 */
export const pad = (
  x: Tensor,
  padsBegin: readonly number[],
  padsEnd: readonly number[],
  { mode = 'constant', value = 0 }: PadOptions = {},
): Tensor => applyOne(PAD, [x], { padsBegin: [...padsBegin], padsEnd: [...padsEnd], mode, value }, gradientOfPad);
