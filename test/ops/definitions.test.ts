/** What definitions say besides computing: shapes with extents that are not known yet, and their form in OpenVINO IR. */
import { describe, expect, it } from 'vitest';
import type { OpenvinoData, OpenvinoDataReader, OperationDefinition } from '../../src/autograd/operation.js';
import { FormatError, UnsupportedError } from '../../src/errors.js';
import type { DType } from '../../src/kernels/dtype.js';
import { ADD } from '../../src/ops/elementwise/add.js';
import { CLAMP } from '../../src/ops/elementwise/clamp.js';
import { CONVERT } from '../../src/ops/elementwise/convert.js';
import { ELU } from '../../src/ops/elementwise/elu.js';
import { GELU } from '../../src/ops/elementwise/gelu.js';
import { LESS } from '../../src/ops/elementwise/less.js';
import { PRELU } from '../../src/ops/elementwise/prelu.js';
import { ROUND } from '../../src/ops/elementwise/round.js';
import { SELECT } from '../../src/ops/elementwise/select.js';
import { SWISH } from '../../src/ops/elementwise/swish.js';
import { BROADCAST, REDUCE_SUM } from '../../src/ops/movement/broadcast.js';
import { CONCAT } from '../../src/ops/movement/concat.js';
import { GATHER } from '../../src/ops/movement/gather.js';
import { GATHER_ELEMENTS } from '../../src/ops/movement/gatherElements.js';
import { PAD } from '../../src/ops/movement/pad.js';
import { RESHAPE } from '../../src/ops/movement/reshape.js';
import { SLICE } from '../../src/ops/movement/slice.js';
import { VARIADIC_SPLIT } from '../../src/ops/movement/split.js';
import { SQUEEZE, UNSQUEEZE } from '../../src/ops/movement/squeeze.js';
import { TILE } from '../../src/ops/movement/tile.js';
import { TRANSPOSE } from '../../src/ops/movement/transpose.js';
import { REDUCE_MAX } from '../../src/ops/reduction/max.js';
import { REDUCE_MEAN } from '../../src/ops/reduction/mean.js';
import { TOP_K } from '../../src/ops/reduction/topK.js';

const UNKNOWN = -1;
const FAR = 2147483647;

interface Row {
  readonly type: string;
  readonly what: string;
  readonly shapes: readonly (readonly number[])[];
  /** Of the shapes that infer gives. */
  readonly expected: readonly (readonly number[])[];
  readonly dtypes: readonly DType[];
  infer(): readonly (readonly number[])[];
  /** The attributes, written to IR and read back. */
  roundTrip(): unknown;
  readonly attributes: unknown;
}

function reader(data: OpenvinoData): OpenvinoDataReader {
  const get = <T>(name: string, fallback: T | undefined, convert: (value: OpenvinoData[string]) => T): T => {
    if (name in data) return convert(data[name]);
    if (fallback === undefined) throw new FormatError('MISSING', `no attribute ${name}`);
    return fallback;
  };
  return {
    number: (name, fallback) => get(name, fallback, Number),
    boolean: (name, fallback) => get(name, fallback, (value) => value === true || value === 'true'),
    string: (name, fallback) => get(name, fallback, String),
    numbers: (name, fallback) => [...get(name, fallback, (value) => [value].flat().map(Number))],
  };
}

/** One definition with attributes; dtypes are float32 unless the row says otherwise. */
function row<A>(
  definition: OperationDefinition<A>,
  attributes: A,
  shapes: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  dtypes: readonly DType[] = shapes.map(() => 'float32'),
): Row {
  const types = shapes.map((shape, index) => ({ shape, dtype: dtypes[index] }));
  return {
    type: definition.type,
    what: JSON.stringify(attributes),
    shapes,
    expected,
    dtypes,
    attributes,
    infer: () => definition.infer(types, attributes).map(({ shape }) => shape),
    roundTrip: () =>
      definition.openvino?.parse?.(
        reader(definition.openvino.data?.(attributes, types) ?? {}),
        (definition.openvino.constants?.(attributes, types) ?? []).map(({ values }) => values),
        types,
      ),
  };
}

const N = UNKNOWN;
const ROWS: readonly Row[] = [
  row(
    ADD,
    {},
    [
      [N, 3],
      [1, 3],
    ],
    [[N, 3]],
  ),
  row(
    ADD,
    {},
    [
      [N, 3],
      [4, 1],
    ],
    [[4, 3]],
  ),
  row(LESS, {}, [[N, 1], [3]], [[N, 3]]),
  row(SELECT, {}, [[N, 1], [3], []], [[N, 3]], ['bool', 'float32', 'float32']),
  row(PRELU, {}, [[N, 3, 4], [3]], [[N, 3, 4]]),
  row(CLAMP, { min: -1, max: 2.5 }, [[N]], [[N]]),
  row(ELU, { alpha: 0.5 }, [[N]], [[N]]),
  row(GELU, { approximation: 'erf' }, [[N]], [[N]]),
  row(GELU, { approximation: 'tanh' }, [[N]], [[N]]),
  row(ROUND, {}, [[N]], [[N]]),
  row(SWISH, {}, [[N]], [[N]]),
  row(CONVERT, { dtype: 'int8' }, [[N]], [[N]]),
  row(REDUCE_SUM, { axes: [0, 2], keepDims: false }, [[N, 3, 4]], [[3]]),
  row(REDUCE_MEAN, { axes: [2, 3], keepDims: true }, [[N, 3, N, N]], [[N, 3, 1, 1]]),
  row(REDUCE_MAX, { axes: [0], keepDims: false }, [[N, 3]], [[3]]),
  row(
    TOP_K,
    { axis: -1, k: 2, mode: 'max' },
    [[N, 5]],
    [
      [N, 2],
      [N, 2],
    ],
  ),
  row(
    TOP_K,
    { axis: 0, k: 2, mode: 'min' },
    [[N, 5]],
    [
      [2, 5],
      [2, 5],
    ],
  ),
  row(RESHAPE, { shape: [0, -1], specialZero: true }, [[N, 3, 4]], [[N, 12]]),
  row(RESHAPE, { shape: [-1, 4], specialZero: false }, [[N, 3, 4]], [[N, 4]]),
  row(BROADCAST, { shape: [2, 3] }, [[3]], [[2, 3]]),
  row(TRANSPOSE, { order: [2, 0, 1] }, [[N, 3, 4]], [[4, N, 3]]),
  row(SQUEEZE, { axes: [1, 2] }, [[N, 1, 1, 4]], [[N, 4]]),
  row(SQUEEZE, { axes: [0] }, [[N, 4]], [[4]]),
  row(UNSQUEEZE, { axes: [0, 3] }, [[N, 3]], [[1, N, 3, 1]]),
  row(SLICE, { starts: [1], stops: [FAR], steps: [2], axes: [-1] }, [[N, 5]], [[N, 2]]),
  row(SLICE, { starts: [0], stops: [2], steps: [1], axes: [0] }, [[N, 5]], [[N, 5]]),
  row(SLICE, { starts: [2], stops: [2], steps: [1], axes: [0] }, [[N, 5]], [[0, 5]]),
  row(
    CONCAT,
    { axis: 1 },
    [
      [N, 2],
      [3, 4],
      [N, 1],
    ],
    [[3, 7]],
  ),
  row(
    CONCAT,
    { axis: -1 },
    [
      [2, N],
      [2, 4],
    ],
    [[2, N]],
  ),
  row(
    VARIADIC_SPLIT,
    { axis: 1, sizes: [2, -1] },
    [[N, 5]],
    [
      [N, 2],
      [N, 3],
    ],
  ),
  row(
    VARIADIC_SPLIT,
    { axis: 0, sizes: [2, -1] },
    [[N, 5]],
    [
      [2, 5],
      [N, 5],
    ],
  ),
  row(PAD, { padsBegin: [0, 1], padsEnd: [0, -2], mode: 'constant', value: 1.5 }, [[N, 5]], [[N, 4]]),
  row(PAD, { padsBegin: [1, 1], padsEnd: [0, 1], mode: 'reflect', value: 0 }, [[N, 5]], [[N, 7]]),
  row(
    GATHER,
    { axis: 1 },
    [
      [N, 5, 2],
      [3, N],
    ],
    [[N, 3, N, 2]],
    ['float32', 'int32'],
  ),
  row(
    GATHER_ELEMENTS,
    { axis: 1 },
    [
      [N, 5],
      [N, 2],
    ],
    [[N, 2]],
    ['float32', 'int32'],
  ),
  row(TILE, { repeats: [2, 3] }, [[N, 5]], [[N, 15]]),
];

describe('definitions', () => {
  it.each(ROWS.map((each) => [`${each.type} ${each.what} of ${JSON.stringify(each.shapes)}`, each] as const))(
    '%s: shape and form',
    (_name, each) => {
      expect(each.infer()).toEqual(each.expected);
      expect(each.roundTrip()).toEqual(each.attributes);
    },
  );

  it('the form of the padding value follows the data', () => {
    const attributes = { padsBegin: [1], padsEnd: [0], mode: 'constant', value: 2 } as const;
    const types = (['float32', 'int32'] as const).map((dtype) =>
      PAD.openvino?.constants?.(attributes, [{ shape: [3], dtype }]),
    );
    expect(types.map((constants) => constants?.[2].elementType)).toEqual(['f32', 'i32']);
  });

  it('reads the defaults of OpenVINO', () => {
    const x = [{ shape: [1, 3, 1], dtype: 'float32' }] as const;
    expect(TRANSPOSE.openvino?.parse?.(reader({}), [[]], x)).toEqual({ order: [2, 1, 0] });
    expect(SQUEEZE.openvino?.parse?.(reader({}), [], x)).toEqual({ axes: [0, 2] });
    expect(
      SLICE.openvino?.parse?.(
        reader({}),
        [
          [0, 1],
          [1, 2],
          [1, 1],
        ],
        x,
      ),
    ).toMatchObject({ axes: [0, 1] });
    expect(REDUCE_SUM.openvino?.parse?.(reader({ keep_dims: true }), [[-1, 0]], x)).toEqual({
      axes: [0, 2],
      keepDims: true,
    });
    expect(GELU.openvino?.parse?.(reader({}), [], x)).toEqual({ approximation: 'erf' });
  });

  it('names what it cannot read', () => {
    const x = [{ shape: [4], dtype: 'float32' }] as const;
    expect(() => ROUND.openvino?.parse?.(reader({ mode: 'half_away_from_zero' }), [], x)).toThrow(UnsupportedError);
    expect(() => BROADCAST.openvino?.parse?.(reader({ mode: 'explicit' }), [[2]], x)).toThrow(UnsupportedError);
    expect(() => SWISH.openvino?.parse?.(reader({}), [[2]], x)).toThrow(UnsupportedError);
    expect(() => PAD.openvino?.parse?.(reader({ pad_mode: 'symmetric' }), [[1], [1]], x)).toThrow(UnsupportedError);
    expect(() => GATHER.openvino?.parse?.(reader({ batch_dims: 1 }), [[0]], x)).toThrow(UnsupportedError);
    expect(() => TOP_K.openvino?.parse?.(reader({ axis: 0, mode: 'max', sort: 'index' }), [[1]], x)).toThrow(
      UnsupportedError,
    );
    expect(() => GELU.openvino?.parse?.(reader({ approximation_mode: 'x' }), [], x)).toThrow(FormatError);
    expect(() => CONVERT.openvino?.parse?.(reader({ destination_type: 'bf16' }), [], x)).toThrow(FormatError);
  });
});
