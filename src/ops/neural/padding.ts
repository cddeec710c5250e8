/** Padding of convolutions and pools: explicit amounts, or computed from the sizes ('same', 'valid'). */
import type { OpenvinoDataReader } from '../../autograd/operation.js';
import { FormatError, ShapeError } from '../../errors.js';
import { DYNAMIC, type Shape } from '../../tensor/shape.js';

/** OpenVINO's `auto_pad`. `same_upper` puts the odd pixel at the end, `same_lower` at the beginning. */
export type AutoPad = 'explicit' | 'same_upper' | 'same_lower' | 'valid';

export interface PaddingAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly autoPad: AutoPad;
}

/** The pixels to add on each side of an input of this spatial size. */
export function resolvePads(
  attributes: PaddingAttributes,
  spatial: Shape,
  kernel: Shape,
): { padsBegin: number[]; padsEnd: number[] } {
  const { autoPad, strides, dilations } = attributes;
  if (autoPad === 'explicit') return { padsBegin: [...attributes.padsBegin], padsEnd: [...attributes.padsEnd] };
  if (autoPad === 'valid') return { padsBegin: spatial.map(() => 0), padsEnd: spatial.map(() => 0) };
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  spatial.forEach((extent, axis) => {
    const reach = (kernel[axis] - 1) * dilations[axis] + 1;
    if (extent === DYNAMIC && strides[axis] !== 1) {
      throw new ShapeError(
        'DYNAMIC_PADDING',
        `'${autoPad}' padding with stride ${strides[axis]} needs a known image size; use a fixed size or explicit pads.`,
      );
    }
    const total =
      extent === DYNAMIC
        ? reach - 1
        : Math.max((Math.ceil(extent / strides[axis]) - 1) * strides[axis] + reach - extent, 0);
    const small = Math.floor(total / 2);
    padsBegin.push(autoPad === 'same_upper' ? small : total - small);
    padsEnd.push(autoPad === 'same_upper' ? total - small : small);
  });
  return { padsBegin, padsEnd };
}

const AUTO_PADS: readonly AutoPad[] = ['explicit', 'same_upper', 'same_lower', 'valid'];

export function parsePads(data: OpenvinoDataReader): Pick<PaddingAttributes, 'padsBegin' | 'padsEnd' | 'autoPad'> {
  const name = data.string('auto_pad', 'explicit').toLowerCase();
  const autoPad = AUTO_PADS.find((candidate) => candidate === name);
  if (!autoPad)
    throw new FormatError(
      'UNKNOWN_AUTO_PAD',
      `auto_pad '${name}' is not known; expected one of ${AUTO_PADS.join(', ')}.`,
    );
  return { padsBegin: data.numbers('pads_begin', [0, 0]), padsEnd: data.numbers('pads_end', [0, 0]), autoPad };
}

/** OpenVINO writes zeros where the padding is computed. */
export const formatPads = ({
  autoPad,
  padsBegin,
  padsEnd,
}: Pick<PaddingAttributes, 'padsBegin' | 'padsEnd' | 'autoPad'>) => ({
  pads_begin: autoPad === 'explicit' ? padsBegin : padsBegin.map(() => 0),
  pads_end: autoPad === 'explicit' ? padsEnd : padsEnd.map(() => 0),
  auto_pad: autoPad,
});
