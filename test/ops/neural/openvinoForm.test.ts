/** The IR form of the operations of this folder: what is written, that it reads back, and foreign forms that are read. */
import { describe, expect, it } from 'vitest';
import type { OperationDefinition } from '../../../src/autograd/operation.js';
import { LayerData } from '../../../src/ir/layerData.js';
import { ADAPTIVE_AVG_POOL } from '../../../src/ops/neural/adaptiveAvgPool.js';
import { AVG_POOL, type AvgPoolAttributes } from '../../../src/ops/neural/avgPool.js';
import { CONVOLUTION, CONVOLUTION_BACKPROP } from '../../../src/ops/neural/convolution.js';
import { INTERPOLATE } from '../../../src/ops/neural/interpolate.js';
import { LOG_SOFTMAX } from '../../../src/ops/neural/logSoftmax.js';
import { MATMUL } from '../../../src/ops/neural/matMul.js';
import { MAX_POOL } from '../../../src/ops/neural/maxPool.js';
import { MVN } from '../../../src/ops/neural/mvn.js';
import { SOFTMAX } from '../../../src/ops/neural/softmax.js';
import { FAKE_QUANTIZE } from '../../../src/ops/quantization/openvinoFakeQuantize.js';

const image = { shape: [2, 4, 8, 8], dtype: 'float32' as const };

/** Writes attributes as an IR layer has them. */
function write<A>({ openvino }: OperationDefinition<A>, attributes: A) {
  if (!openvino) throw new Error('no form');
  const data = Object.entries(openvino.data?.(attributes, [image]) ?? {});
  return {
    opset: typeof openvino.opset === 'string' ? openvino.opset : openvino.opset(attributes),
    data: Object.fromEntries(
      data.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
    ),
    constants: (openvino.constants?.(attributes, [image]) ?? []).map(({ values }) => values),
  };
}

function read<A>(
  { openvino }: OperationDefinition<A>,
  data: Record<string, string>,
  constants: readonly (readonly number[])[] = [],
): A {
  if (!openvino?.parse) throw new Error('not readable');
  return openvino.parse(new LayerData(data), constants, [image]);
}

function expectRoundTrip<A>(definition: OperationDefinition<A>, attributes: A, opset: string): void {
  const written = write(definition, attributes);
  expect(written.opset).toBe(opset);
  expect(read(definition, written.data, written.constants)).toEqual(attributes);
}

const convolution = {
  strides: [2, 1],
  dilations: [1, 2],
  padsBegin: [1, 0],
  padsEnd: [2, 3],
  autoPad: 'explicit' as const,
};
const pool: AvgPoolAttributes = {
  kernel: [3, 2],
  strides: [2, 1],
  padsBegin: [1, 0],
  padsEnd: [1, 1],
  autoPad: 'explicit',
  roundingType: 'floor',
  excludePad: true,
};

describe('attributes written to IR', () => {
  it('read back the same, in the lowest opset that has them', () => {
    const { excludePad: _none, ...common } = pool;
    const max = { ...common, dilations: [1, 2] };
    expectRoundTrip(CONVOLUTION, convolution, 'opset1');
    expectRoundTrip(CONVOLUTION_BACKPROP, { ...convolution, outputPadding: [1, 0] }, 'opset1');
    expectRoundTrip(MAX_POOL, max, 'opset8');
    expectRoundTrip(MAX_POOL, { ...max, roundingType: 'ceil' }, 'opset8');
    expectRoundTrip(MAX_POOL, { ...max, roundingType: 'ceil_torch' }, 'opset14');
    expectRoundTrip(AVG_POOL, pool, 'opset1');
    expectRoundTrip(AVG_POOL, { ...pool, roundingType: 'ceil_torch', excludePad: false }, 'opset14');
    expectRoundTrip(ADAPTIVE_AVG_POOL, { outputSize: [3, 2] }, 'opset8');
    expectRoundTrip(MVN, { axes: [2, 3], epsilon: 1e-5 }, 'opset6');
    expectRoundTrip(SOFTMAX, { axis: 3 }, 'opset8');
    expectRoundTrip(LOG_SOFTMAX, { axis: 1 }, 'opset5');
    expectRoundTrip(MATMUL, { transposeA: false, transposeB: true }, 'opset1');
    expectRoundTrip(FAKE_QUANTIZE, { levels: 255 }, 'opset1');
    const scaled = { mode: 'linear', coordinates: 'half_pixel', sizes: null, scales: [2, 1.5] } as const;
    expectRoundTrip(INTERPOLATE, scaled, 'opset11');
    expectRoundTrip(INTERPOLATE, { ...scaled, coordinates: 'align_corners', sizes: [4, 5], scales: null }, 'opset11');
    expectRoundTrip(INTERPOLATE, { ...scaled, mode: 'nearest', coordinates: 'asymmetric' }, 'opset11');
    expectRoundTrip(INTERPOLATE, { ...scaled, mode: 'nearest' }, 'opset11');
  });

  it("have OpenVINO's names", () => {
    expect(Object.keys(write(AVG_POOL, pool).data)).toContain('exclude-pad');
    expect(write(CONVOLUTION, { ...convolution, autoPad: 'same_upper' }).data).toMatchObject({
      pads_begin: '0, 0',
      auto_pad: 'same_upper',
    });
    expect(write(MVN, { axes: [1], epsilon: 0.5 }).data).toEqual({
      eps: '0.5',
      normalize_variance: 'true',
      eps_mode: 'INSIDE_SQRT',
    });
  });
});

describe('foreign IR', () => {
  const opset4 = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };

  it('Interpolate of opset4 has both sizes and factors, with axes or without', () => {
    const sizes = { ...opset4, shape_calculation_mode: 'sizes' };
    const expected = { mode: 'nearest', coordinates: 'asymmetric', sizes: [16, 24], scales: null };
    expect(
      read(INTERPOLATE, sizes, [
        [16, 24],
        [2, 3],
        [2, 3],
      ]),
    ).toEqual(expected);
    expect(
      read(INTERPOLATE, sizes, [
        [2, 4, 16, 24],
        [1, 1, 2, 3],
      ]),
    ).toEqual(expected);
    const scales = { ...opset4, shape_calculation_mode: 'scales' };
    expect(
      read(INTERPOLATE, scales, [
        [2, 4, 16, 24],
        [1, 1, 2, 3],
      ]),
    ).toMatchObject({ sizes: null, scales: [2, 3] });
    expect(
      read(INTERPOLATE, scales, [
        [3, 2],
        [3, 2],
      ]),
    ).toMatchObject({ scales: [2, 3] });
    expect(() => read(INTERPOLATE, scales, [[2], [2]])).toThrow(/axes/);
  });

  it('Interpolate has modes that cannot be computed', () => {
    const base = { shape_calculation_mode: 'scales' };
    expect(() =>
      read(INTERPOLATE, { ...base, mode: 'cubic' }, [
        [2, 2],
        [2, 3],
      ]),
    ).toThrow(/cubic/);
    expect(() =>
      read(INTERPOLATE, { ...base, mode: 'nearest' }, [
        [2, 2],
        [2, 3],
      ]),
    ).toThrow(/round_prefer_floor/);
    expect(() =>
      read(INTERPOLATE, { ...base, mode: 'linear', antialias: 'true' }, [
        [2, 2],
        [2, 3],
      ]),
    ).toThrow(/antialias/);
    expect(() =>
      read(INTERPOLATE, { ...base, ...opset4, pads_begin: '0, 0, 1, 0' }, [
        [2, 2],
        [2, 3],
      ]),
    ).toThrow(/padding/);
    const halfPixel = { ...opset4, ...base, coordinate_transformation_mode: 'tf_half_pixel_for_nn' };
    expect(
      read(INTERPOLATE, halfPixel, [
        [2, 2],
        [2, 3],
      ]),
    ).toMatchObject({ coordinates: 'half_pixel' });
  });

  it('defaults, negative axes and unknown words', () => {
    expect(read(SOFTMAX, { axis: '-1' })).toEqual({ axis: 3 });
    expect(read(MVN, { eps: '1e-9', normalize_variance: 'true', eps_mode: 'inside_sqrt' }, [[-1, -2]])).toEqual({
      axes: [2, 3],
      epsilon: 1e-9,
    });
    expect(() => read(MVN, { eps: '1', eps_mode: 'OUTSIDE_SQRT' }, [[1]])).toThrow(/OUTSIDE_SQRT/);
    expect(() => read(MVN, { eps: '1', normalize_variance: 'false' }, [[1]])).toThrow(/normalize_variance/);
    expect(read(CONVOLUTION, { strides: '1,1', auto_pad: 'SAME_LOWER' })).toMatchObject({
      autoPad: 'same_lower',
      dilations: [1, 1],
    });
    expect(() => read(CONVOLUTION, { strides: '1,1', auto_pad: 'full' })).toThrow(/'full'/);
    expect(() => read(MAX_POOL, { kernel: '2,2', strides: '2,2', rounding_type: 'up' })).toThrow(/'up'/);
    expect(() => read(FAKE_QUANTIZE, {})).toThrow(/levels/);
  });
});
