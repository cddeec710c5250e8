/** Reading IR, also IR that others wrote, and IR that is damaged. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { FormatError, QuantGradError, UnsupportedError } from '../../src/errors.js';
import { parseIr, readModel } from '../../src/ir/reader.js';
import { type ModelFiles, serializeModel } from '../../src/ir/writer.js';
import * as nn from '../../src/nn/index.js';
import { quantize } from '../../src/quant/index.js';
import { ones, randn, tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** A file of one operation, in the way others write it: any port numbers and order of layers. */
const LAYERS = {
  x: '<layer id="7" name="x" type="Parameter" version="opset1"><data shape="?,2" element_type="f32"/><output><port id="3" precision="FP32" names="x,first"><dim>-1</dim><dim>2</dim></port></output></layer>',
  w: '<layer id="2" name="w" type="Const" version="opset1"><data element_type="f32" shape="2, 2" offset="1" size="16"/><output><port id="0" precision="FP32"><dim>2</dim><dim>2</dim></port></output></layer>',
  matMul:
    '<layer id="5" name="product" type="matmul" version="opset3"><data unknown="1" TRANSPOSE_A="no"/><input><port id="10"/><port id="11" precision="nonsense"/></input><output><port id="12" precision="f32"><dim>-1</dim><dim>2</dim></port></output></layer>',
  relu: '<layer id="6" name="activation" type="Relu" version="opset8"><rt_info><attribute name="fused_names" version="0" value="a"/></rt_info><input><port id="1"/></input><output><port id="1" precision="FP32" names="y"><dim>-1</dim><dim>2</dim></port></output></layer>',
  result:
    '<layer id="1" name="end" type="Result" version="opset1"><input><port id="0" precision="FP32"><dim>-1</dim><dim>2</dim></port></input></layer>',
};
const EDGES =
  '<edge from-layer="6" from-port="1" to-layer="1" to-port="0"/><edge from-layer="2" from-port="0" to-layer="5" to-port="11"/><edge from-layer="7" from-port="3" to-layer="5" to-port="10"/><edge from-layer="5" from-port="12" to-layer="6" to-port="1"/>';

function foreign(layers: Partial<Record<keyof typeof LAYERS | 'more', string>> = {}, edges = EDGES): string {
  const { result, relu, matMul, w, x, more = '' } = { ...LAYERS, ...layers } as typeof LAYERS & { more?: string };
  return `<?xml version="1.0"?>\n<!-- written by hand -->\n<net name="hand &amp; foot" version="11"><edges>${edges}</edges><layers>${result}${relu}${matMul}${w}${x}${more}</layers><rt_info><MO_version value="2026"/></rt_info></net>`;
}

/** One byte, then the matrix [[1, -2], [3, 4]]. */
const weights = Uint8Array.from([9, ...new Uint8Array(Float32Array.of(1, -2, 3, 4).buffer)]);
const run = (xml: string, bin: Uint8Array | null, ...inputs: Tensor[]): number[] =>
  Array.from(noGrad(() => parseIr(xml, bin).forward(...inputs) as Tensor).dataSync());

describe('files that others wrote', () => {
  it('may have layers and edges in any order, ports of any number, types in any case, and bytes at any offset', () => {
    expect(
      run(
        foreign(),
        weights,
        tensor([
          [1, 1],
          [-1, 2],
        ]),
      ),
    ).toEqual([4, 2, 5, 10]);
    const model = parseIr(foreign(), weights);
    expect(model.name).toBe('hand & foot');
    expect(model.runtimeInfo).toEqual({ MO_version: '2026' });
    expect(model.graph.inputs[0].name).toBe('x');
    expect(model.graph.outputs[0].name).toBe('y');
  });

  it('take the names of results where these have some', () => {
    const named = LAYERS.result.replace('version="opset1"', 'version="opset1" output_names="probability,other"');
    expect(parseIr(foreign({ result: named }), weights).graph.outputs[0].name).toBe('probability');
  });

  it('may have layers that nothing needs', () => {
    const unused = LAYERS.relu
      .replace('id="6"', 'id="60"')
      .replace('Relu', 'NoSuchOperation')
      .replace('<port id="1"/>', '');
    expect(run(foreign({ more: unused }), weights, ones([1, 2]))).toEqual([4, 2]);
  });

  it('may be of version 10, whose metadata is left out', () => {
    const model = parseIr(foreign().replace('version="11"', 'version="10"'), weights);
    expect(model.runtimeInfo).toEqual({});
  });

  it('may be compressed to float16', () => {
    const half = Uint8Array.from(new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x4200, 0x4400).buffer));
    const w = LAYERS.w
      .replace('id="2"', 'id="20"')
      .replace('element_type="f32"', 'element_type="f16"')
      .replace('FP32', 'FP16')
      .replace('offset="1" size="16"', 'offset="0" size="8"');
    const convert =
      '<layer id="2" name="decompress" type="Convert" version="opset1"><data destination_type="f32"/><input><port id="5" precision="FP16"/></input><output><port id="0" precision="FP32"><dim>2</dim><dim>2</dim></port></output></layer>';
    const xml = foreign({ w, more: convert }, `${EDGES}<edge from-layer="20" from-port="0" to-layer="2" to-port="5"/>`);
    expect(
      run(
        xml,
        half,
        tensor([
          [1, 1],
          [-1, 2],
        ]),
      ),
    ).toEqual([4, 2, 5, 10]);
    expect(parseIr(xml, half).graph.nodes.map(({ type }) => type)).not.toContain('Convert');
  });

  it('may have batch normalization of opset1, with its inputs in another order', () => {
    const constant = (id: number, offset: number) =>
      `<layer id="${id}" name="c${id}" type="Const" version="opset1"><data element_type="f32" shape="2" offset="${offset}" size="8"/><output><port id="0" precision="FP32"><dim>2</dim></port></output></layer>`;
    const [gamma, beta, mean, variance] = [
      [2, 3],
      [10, 20],
      [1, 2],
      [4, 9],
    ];
    const bin = new Uint8Array(Float32Array.from([...gamma, ...beta, ...mean, ...variance]).buffer);
    const file = (version: string, order: number[]) => {
      const edges = order
        .map((layer, port) => `<edge from-layer="${layer}" from-port="0" to-layer="9" to-port="${port}"/>`)
        .join('');
      return `<net version="11"><layers>${LAYERS.x.replace('id="7"', 'id="0"').replace('port id="3"', 'port id="0"')}${[1, 2, 3, 4].map((id) => constant(id, 8 * (id - 1))).join('')}
        <layer id="9" name="bn" type="BatchNormInference" version="${version}"><data epsilon="0"/><input>${order.map((_, port) => `<port id="${port}"/>`).join('')}</input><output><port id="5" precision="FP32"><dim>-1</dim><dim>2</dim></port></output></layer>
        ${LAYERS.result}</layers><edges>${edges}<edge from-layer="9" from-port="5" to-layer="1000" to-port="0"/></edges></net>`.replace(
        'layer id="1" name="end"',
        'layer id="1000" name="end"',
      );
    };
    const x = tensor([[5, 8]]);
    expect(run(file('opset5', [0, 1, 2, 3, 4]), bin, x)).toEqual([14, 26]);
    expect(run(file('opset1', [1, 2, 0, 3, 4]), bin, x)).toEqual([14, 26]);
  });

  it('may have whole numbers of 64 bits, and tensors of other shapes than declared are refused', () => {
    const i64 = new Uint8Array(BigInt64Array.of(-1n, 1n).buffer);
    const reshape = (dims: string) =>
      `<net version="11"><layers>${LAYERS.x}<layer id="2" name="target" type="Const" version="opset1"><data element_type="i64" shape="2" offset="0" size="16"/><output><port id="0" precision="I64"><dim>2</dim></port></output></layer>
      <layer id="5" name="reshape" type="Reshape" version="opset1"><data special_zero="false"/><input><port id="0"/><port id="1"/></input><output><port id="2" precision="FP32">${dims}</port></output></layer>${LAYERS.result}</layers>
      <edges><edge from-layer="7" from-port="3" to-layer="5" to-port="0"/><edge from-layer="2" from-port="0" to-layer="5" to-port="1"/><edge from-layer="5" from-port="2" to-layer="1" to-port="0"/></edges></net>`;
    expect(parseIr(reshape('<dim>-1</dim><dim>1</dim>'), i64).forward(ones([3, 2]))).toMatchObject({ shape: [6, 1] });
    expect(() => parseIr(reshape('<dim>-1</dim><dim>2</dim>'), i64)).toThrow(
      expect.objectContaining({ code: 'IR_DIMS', message: expect.stringContaining("'reshape'") }),
    );
  });
});

/** A change of a good file, and the error that names it. */
type Damage = [name: string, code: string, xml: string, bin?: Uint8Array | null];

const replaced = (name: keyof typeof LAYERS, from: string, to: string): string =>
  foreign({ [name]: LAYERS[name].replace(from, to) });

const damages: Damage[] = [
  ['text that is no XML', 'NOT_XML', foreign().slice(0, 300)],
  ['an empty file', 'NOT_XML', ''],
  ['another document', 'NOT_IR', '<svg/>'],
  ['two roots', 'NOT_XML', `${foreign()}<net/>`.replace('<?xml version="1.0"?>', '')],
  ['a later version', 'IR_VERSION', foreign().replace('version="11"', 'version="12"')],
  ['a truncated .bin file', 'BIN_TOO_SHORT', foreign(), weights.slice(0, 16)],
  ['no .bin file', 'NO_WEIGHTS', foreign(), null],
  ['a constant that is too small for its shape', 'CONST_SIZE', replaced('w', 'size="16"', 'size="12"')],
  ['a negative offset', 'CONST_PLACE', replaced('w', 'offset="1"', 'offset="-1"')],
  ['an unknown operation', 'IR_OPERATION', replaced('relu', '"Relu"', '"Frobnicate"')],
  ['a loop', 'IR_OPERATION', replaced('relu', '"Relu"', '"TensorIterator"')],
  ['an unknown opset', 'IR_OPSET', replaced('relu', 'opset8', 'opset99')],
  ['an unknown element type', 'IR_ELEMENT_TYPE', replaced('w', '"f32"', '"string"')],
  ['FP32 in data', 'IR_ELEMENT_TYPE', replaced('x', 'element_type="f32"', 'element_type="FP32"')],
  ['an unknown precision', 'IR_PRECISION', replaced('relu', '"FP32"', '"FP31"')],
  ['an unknown rank', 'IR_RANK', replaced('x', '"?,2"', '"..."')],
  ['a shape that is none', 'IR_SHAPE', replaced('x', '"?,2"', '"?,2x"')],
  ['a dimension that is none', 'IR_DIM', replaced('x', '<dim>2</dim>', '<dim>-2</dim>')],
  ['declared dimensions that are wrong', 'IR_DIMS', replaced('matMul', '<dim>2</dim>', '<dim>3</dim>')],
  ['a missing attribute of a layer', 'IR_ATTRIBUTE_MISSING', replaced('relu', ' version="opset8"', '')],
  ['a missing attribute of an operation', 'IR_DATA_MISSING', replaced('w', 'offset="1"', '')],
  ['a number that is none', 'IR_DATA', replaced('w', 'offset="1"', 'offset="one"')],
  ['a truth value that is none', 'IR_DATA', replaced('matMul', 'unknown="1"', 'transpose_b="maybe"')],
  ['an id that occurs twice', 'IR_LAYER_ID', replaced('relu', 'id="6"', 'id="7"')],
  ['an id that is no number', 'IR_NUMBER', replaced('relu', 'id="6"', 'id="six"')],
  ['an edge from nowhere', 'IR_EDGE', foreign({}, EDGES.replace('from-layer="7"', 'from-layer="70"'))],
  ['two edges into one port', 'IR_EDGE', foreign({}, EDGES + EDGES.slice(0, EDGES.indexOf('/>') + 2))],
  ['an edge to a port that is not there', 'IR_PORT', foreign({}, EDGES.replace('to-port="11"', 'to-port="12"'))],
  ['an edge from a port that is not there', 'IR_PORT', foreign({}, EDGES.replace('from-port="3"', 'from-port="4"'))],
  ['a missing edge', 'IR_INPUT', foreign({}, EDGES.slice(EDGES.indexOf('/>') + 2))],
  ['a circle', 'IR_CYCLE', foreign({}, EDGES.replace('from-layer="7" from-port="3"', 'from-layer="6" from-port="1"'))],
  [
    'no result',
    'IR_NO_RESULT',
    replaced('result', '"Result"', '"Parameter"')
      .replace('name="end"', 'name="end"')
      .replace('<input>', '<data shape="" element_type="f32"/><input>'),
  ],
  [
    'operands that do not fit',
    'MATMUL_MISMATCH',
    replaced('w', 'shape="2, 2"', 'shape="4, 1"').replace('<dim>2</dim><dim>2</dim>', '<dim>4</dim><dim>1</dim>'),
  ],
  ['an unknown reference', 'XML_ENTITY', foreign().replace('hand &amp; foot', 'hand &unknown; foot')],
];

describe('damaged files', () => {
  it.each(damages)('%s: %s', (_name, code, xml, bin = weights) => {
    let error: unknown;
    try {
      parseIr(xml, bin);
    } catch (reason) {
      error = reason;
    }
    expect(error).toBeInstanceOf(QuantGradError);
    expect(error).toMatchObject({ code });
  });

  it('are errors that name the layer', () => {
    for (const xml of [replaced('relu', '"Relu"', '"Frobnicate"'), replaced('relu', 'opset8', 'opset99')]) {
      expect(() => parseIr(xml, weights)).toThrow(/'activation'.*(Frobnicate|opset99)/);
      expect(() => parseIr(xml, weights)).toThrow(UnsupportedError);
    }
    expect(() => parseIr(foreign(), weights.slice(0, 9))).toThrow(/'w'/);
    expect(() => parseIr(foreign(), null)).toThrow(FormatError);
  });

  it('with bytes cut off anywhere give typed errors', async () => {
    const model = await quantize(
      new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.ReLU()).eval(),
      [randn([2, 1, 5, 5])],
    );
    const { xml, bin } = await serializeModel(model);
    for (let length = 0; length < xml.length; length += 97)
      expect(() => parseIr(xml.slice(0, length), bin)).toThrow(QuantGradError);
    for (let length = 0; length < bin.length; length += 5)
      expect(() => parseIr(xml, bin.slice(0, length))).toThrow(QuantGradError);
  });

  it('with characters changed anywhere give typed errors, or a model', async () => {
    const { xml, bin } = await serializeModel(
      new nn.Sequential(new nn.Conv2d(1, 2, 2), new nn.MaxPool2d(2), new nn.Flatten()).eval(),
      { inputs: [{ shape: [1, 1, 6, 6], dtype: 'float32' }] },
    );
    for (let index = 0; index < xml.length; index += 3) {
      for (const character of ['9', 'a', '"', '<']) {
        try {
          parseIr(xml.slice(0, index) + character + xml.slice(index + 1), bin);
        } catch (error) {
          expect(error).toBeInstanceOf(QuantGradError);
        }
      }
    }
  });

  it('are refused as sources when they are something else', async () => {
    await expect(readModel({} as ModelFiles)).rejects.toMatchObject({ code: 'NOT_A_MODEL' });
    await expect(readModel('/no/such/model.xml')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
