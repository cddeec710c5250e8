/** Kernels that move elements: joining, slicing and padding with constants, with their gradients. */
import type { TensorType } from '../../contract.js';
import { kernelParameters, sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import {
  type CopyPlan,
  denseStrides,
  denseView,
  elementBytesOf,
  emitCopy,
  emitFillUnits,
  fillUnits,
  planCopy,
  type View,
} from './copies.js';

/** One copy, after a fill of the result where it does not cover all of it. */
function copyCall(name: string, y: TensorType, plan: CopyPlan, fill: number | null): WasmCall {
  const length = sizeOf(y.shape);
  const filled = fill !== null && length > 0;
  return {
    key: `${name} ${plan.key} ${filled ? `${fill} ${y.dtype} ${length}` : ''}`,
    phases: [...(filled ? [{ name: 'fill', units: fillUnits(length) }] : []), { name: 'copy', units: plan.units }],
    build(module) {
      const parameters = kernelParameters(['x', 'y']);
      if (filled)
        module.function('fill', parameters, (code, { y: target, begin, end }) =>
          emitFillUnits(code, target, { length, dtype: y.dtype, value: fill }, begin, end),
        );
      module.function('copy', parameters, (code, { x, y: target, begin, end }) =>
        emitCopy(code, plan, x, target, begin, end),
      );
    },
  };
}

/** Each input has a phase of its own. */
export const concat: WasmKernel<'concat'> = (inputs, { axis }, [y]) => {
  const bytes = elementBytesOf(y.dtype);
  if (bytes === null) return null;
  const strides = denseStrides(y.shape);
  let start = 0;
  const plans = inputs.map(({ shape }) => {
    const plan = planCopy(shape, denseView(shape), { at: start * strides[axis], strides }, bytes);
    start += shape[axis];
    return plan;
  });
  return {
    key: `concat ${plans.map(({ key }) => key).join(';')}`,
    phases: plans.map(({ units }, index) => ({ name: `copy${index}`, units, cost: 2 * sizeOf(inputs[index].shape) })),
    build(module) {
      const parameters = kernelParameters([...plans.map((_, index) => `input${index}`), 'y']);
      plans.forEach((plan, index) => {
        module.function(`copy${index}`, parameters, (code, { y: target, begin, end, ...sources }) =>
          emitCopy(code, plan, sources[`input${index}`], target, begin, end),
        );
      });
    },
  };
};

/** The elements of an array of `shape` that `slice` reads. */
function sliceView(shape: readonly number[], begin: readonly number[], steps: readonly number[]): View {
  const strides = denseStrides(shape);
  return {
    at: begin.reduce((offset, first, axis) => offset + first * strides[axis], 0),
    strides: strides.map((stride, axis) => stride * steps[axis]),
  };
}

export const slice: WasmKernel<'slice'> = ([x], { begin, steps }, [y]) => {
  const bytes = elementBytesOf(y.dtype);
  if (bytes === null) return null;
  return copyCall('slice', y, planCopy(y.shape, sliceView(x.shape, begin, steps), denseView(y.shape), bytes), null);
};

export const sliceGradient: WasmKernel<'sliceGradient'> = ([g], { begin, steps }, [dx]) => {
  const bytes = elementBytesOf(dx.dtype);
  if (bytes === null) return null;
  const plan = planCopy(g.shape, denseView(g.shape), sliceView(dx.shape, begin, steps), bytes);
  return copyCall('sliceGradient', dx, plan, 0);
};

/** The elements that a tensor and the tensor padded from it share, as a view of each. */
function sharedRegion(
  shape: readonly number[],
  padded: readonly number[],
  padsBegin: readonly number[],
): { readonly extents: readonly number[]; readonly inner: View; readonly outer: View } {
  const first = padsBegin.map((pad) => Math.max(-pad, 0));
  const end = shape.map((extent, axis) => Math.min(extent, padded[axis] - padsBegin[axis]));
  const ones = shape.map(() => 1);
  return {
    extents: end.map((each, axis) => Math.max(each - first[axis], 0)),
    inner: sliceView(shape, first, ones),
    outer: sliceView(
      padded,
      first.map((each, axis) => each + padsBegin[axis]),
      ones,
    ),
  };
}

export const pad: WasmKernel<'pad'> = ([x], { padsBegin, mode, value }, [y]) => {
  const bytes = elementBytesOf(y.dtype);
  if (bytes === null || mode !== 'constant') return null;
  const { extents, inner, outer } = sharedRegion(x.shape, y.shape, padsBegin);
  return copyCall('pad', y, planCopy(extents, inner, outer, bytes), sizeOf(extents) < sizeOf(y.shape) ? value : null);
};

export const padGradient: WasmKernel<'padGradient'> = ([g], { padsBegin, mode }, [dx]) => {
  const bytes = elementBytesOf(dx.dtype);
  if (bytes === null || mode !== 'constant') return null;
  const { extents, inner, outer } = sharedRegion(dx.shape, g.shape, padsBegin);
  return copyCall(
    'padGradient',
    dx,
    planCopy(extents, outer, inner, bytes),
    sizeOf(extents) < sizeOf(dx.shape) ? 0 : null,
  );
};
