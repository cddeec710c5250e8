/** Convert: another element type. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { FormatError } from '../../errors.js';
import { type DType, isFloating } from '../../kernels/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface ConvertAttributes {
  readonly dtype: DType;
}

/** OpenVINO's names of our dtypes. */
export const OPENVINO_TYPES: Readonly<Record<DType, string>> = {
  float32: 'f32',
  float64: 'f64',
  int32: 'i32',
  int8: 'i8',
  uint8: 'u8',
  bool: 'boolean',
};

export const CONVERT = defineOperation<ConvertAttributes>({
  type: 'Convert',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  lower: () => kernelCall('convert', {}),
  saves: {},
  openvino: {
    opset: () => 'opset1',
    data: ({ dtype }) => ({ destination_type: OPENVINO_TYPES[dtype] }),
    parse(data) {
      const name = data.string('destination_type');
      const dtype = (Object.keys(OPENVINO_TYPES) as DType[]).find(
        (candidate) => OPENVINO_TYPES[candidate] === name.toLowerCase(),
      );
      if (!dtype)
        throw new FormatError(
          'UNKNOWN_ELEMENT_TYPE',
          `Convert: element type '${name}' is not supported; known are ${Object.values(OPENVINO_TYPES).join(', ')}.`,
        );
      return { dtype };
    },
  },
});

export const gradientOfConvert: GradientRule<ConvertAttributes> = ({ inputTypes }, [g]) => [
  g && isFloating(inputTypes[0].dtype) ? cast(g, inputTypes[0].dtype) : null,
];

/** The values as another dtype. Float to integer truncates toward zero and saturates. */
export const cast = (x: Tensor, dtype: DType): Tensor =>
  x.dtype === dtype ? x : applyOne(CONVERT, [x], { dtype }, gradientOfConvert);
