/** The files: names, types, what is shared, and what cannot be written. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyOne } from '../../src/autograd/dispatch.js';
import { noGrad } from '../../src/autograd/gradMode.js';
import { defineOperation } from '../../src/autograd/operation.js';
import { UnsupportedError, ValidationError } from '../../src/errors.js';
import type { IrLayer } from '../../src/ir/document.js';
import { parseIr, readModel } from '../../src/ir/reader.js';
import { LIBRARY_VERSION } from '../../src/ir/version.js';
import { saveModel, serializeModel } from '../../src/ir/writer.js';
import { parseXml } from '../../src/ir/xmlParser.js';
import { xmlToDocument } from '../../src/ir/xmlToDocument.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { relu } from '../../src/ops/elementwise/relu.js';
import { quantize } from '../../src/quant/index.js';
import { ones, randn, tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { useTemporaryDirectory } from '../files/directory.js';
import { FunctionModule, fileOf } from './functionModule.js';

const path = useTemporaryDirectory();
const image = { shape: [1, 3, 8, 8], dtype: 'float32' } as const;
const small = (): nn.Sequential =>
  new nn.Sequential(new nn.Conv2d(3, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(144, 2)).eval();

const layer = (layers: readonly IrLayer[], name: string): IrLayer => {
  const found = layers.find((each) => each.name === name);
  if (!found) throw new Error(`no layer ${name} among ${layers.map((each) => each.name).join(', ')}`);
  return found;
};

/** What XML can hold: not control characters, nor halves of surrogate pairs. */
const holds = (text: string): string =>
  Array.from(text, (character) => {
    const point = character.codePointAt(0) as number;
    const allowed = point >= 32 || '\t\n\r'.includes(character);
    const excluded = (point >= 0xd800 && point <= 0xdfff) || point === 0xfffe || point === 0xffff;
    return allowed && !excluded ? character : '\ufffd';
  }).join('');

describe('the document', () => {
  it('has ports of inputs before those of outputs, one edge into each input, and parameters and results in order', async () => {
    const { xml } = await serializeModel(small(), { inputs: [image] });
    const { layers, edges } = xmlToDocument(xml);
    expect(new Set(layers.map(({ id }) => id)).size).toBe(layers.length);
    expect(new Set(layers.map(({ name }) => name)).size).toBe(layers.length);
    for (const { id, inputs, outputs } of layers) {
      expect([...inputs, ...outputs].map((port) => port.id)).toEqual([...inputs, ...outputs].map((_, index) => index));
      for (const port of inputs)
        expect(edges.filter((edge) => edge.toLayer === id && edge.toPort === port.id)).toHaveLength(1);
      for (const port of outputs)
        expect(edges.some((edge) => edge.fromLayer === id && edge.fromPort === port.id)).toBe(true);
    }
    expect(layers[0].type).toBe('Parameter');
    expect(layers.at(-1)).toMatchObject({ type: 'Result', outputNames: ['output'] });
    expect(layer(layers, '0/Convolution')).toMatchObject({
      type: 'Convolution',
      version: 'opset1',
      data: { strides: '1, 1', dilations: '1, 1', pads_begin: '0, 0', pads_end: '0, 0', auto_pad: 'explicit' },
    });
    expect(layer(layers, '0.weight')).toMatchObject({
      type: 'Const',
      data: { element_type: 'f32', shape: '4, 3, 3, 3', size: '432' },
    });
  });

  it('keeps the batch open, or not', async () => {
    const open = xmlToDocument((await serializeModel(small(), { inputs: [image] })).xml).layers[0];
    expect(open).toMatchObject({
      data: { shape: '?,3,8,8', element_type: 'f32' },
      outputs: [{ dims: [-1, 3, 8, 8], names: ['input'] }],
    });
    const fixed = xmlToDocument((await serializeModel(small(), { inputs: [image], dynamicBatch: false })).xml)
      .layers[0];
    expect(fixed.data?.shape).toBe('1,3,8,8');
  });

  it('runs with another batch than it was made with', async () => {
    const model = small();
    const { xml, bin } = await serializeModel(model, { inputs: [image] });
    const x = randn([5, 3, 8, 8]);
    expect(noGrad(() => parseIr(xml, bin).forward(x) as Tensor).dataSync()).toEqual(
      noGrad(() => model.forward(x) as Tensor).dataSync(),
    );
  });

  it('writes equal constants once, aligned', async () => {
    const [a, b] = [ones([3, 4]), ones([3, 4])];
    const { xml, bin } = await fileOf((x) => add(add(x, a), b), [randn([3, 4])]);
    expect(bin.length).toBe(48);
    expect(
      xmlToDocument(xml)
        .layers.filter(({ type }) => type === 'Const')
        .map(({ data }) => data?.offset),
    ).toEqual(['0', '0']);
    const mixed = await fileOf(
      (x) => [
        add(x, tensor([1, 2, 3], { dtype: 'float32' })),
        tensor([1, 2, 3], { dtype: 'int8' }),
        tensor(5, { dtype: 'int32' }),
      ],
      [randn([3])],
    );
    for (const { data } of xmlToDocument(mixed.xml).layers.filter(({ type }) => type === 'Const')) {
      const bytes = data?.element_type === 'i8' ? 1 : 4;
      expect(Number(data?.offset) % bytes).toBe(0);
    }
  });

  it('holds numbers with all their digits', async () => {
    const epsilon = 1.234567890123456e-7;
    const { xml } = await fileOf((x) => new nn.LayerNorm(3, { eps: epsilon }).forward(x), [randn([2, 3])]);
    expect(xml).toContain(`eps="${epsilon}"`);
  });

  it('names inputs and outputs as asked', async () => {
    const model = new FunctionModule((a, b) => [add(a, b), relu(a)]);
    const inputs = [randn([2]), randn([2])];
    const { xml, bin } = await serializeModel(model, {
      inputs,
      inputNames: ['left', 'right'],
      outputNames: ['sum', 'rectified'],
      name: 'two',
    });
    const { graph, name } = parseIr(xml, bin);
    expect(graph.inputs.map((node) => node.name)).toEqual(['left', 'right']);
    expect(graph.outputs.map((output) => output.name)).toEqual(['sum', 'rectified']);
    expect(name).toBe('two');
    for (const options of [
      { inputNames: ['one'] },
      { outputNames: ['same', 'same'] },
      { outputNames: ['input_0', 'b'] },
      { inputNames: ['', 'b'] },
    ]) {
      await expect(serializeModel(model, { inputs, ...options })).rejects.toThrow(ValidationError);
    }
  });

  it('writes an input that is an output, one tensor that is two outputs, and a constant output', async () => {
    const inputs = [randn([2, 2])];
    const { xml, bin } = await fileOf((x) => [x, relu(x), relu(x), tensor([1, 2])], inputs, {
      outputNames: ['a', 'b', 'c', 'd'],
    });
    const results = parseIr(xml, bin).forward(...inputs) as Tensor[];
    expect(results.map(({ shape }) => shape)).toEqual([[2, 2], [2, 2], [2, 2], [2]]);
    expect(results[0].dataSync()).toEqual(inputs[0].dataSync());
  });

  it('is well-formed whatever names there are', async () => {
    const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(names, names, async (name, inputName) => {
        const { xml, bin } = await fileOf((x) => relu(x), [randn([2])], {
          name,
          inputNames: [inputName],
          outputNames: [`${inputName}!`],
        });
        expect(() => parseXml(xml)).not.toThrow();
        const read = parseIr(xml, bin);
        expect(read.name).toBe(holds(name));
        expect(read.graph.inputs[0].name).toBe(holds(inputName));
      }),
    );
    const nasty = 'a<b>&"\'\n\t\r , ü 😀 &amp; ]]> --';
    const { xml, bin } = await fileOf((x) => relu(x), [randn([2])], {
      inputNames: [nasty],
      outputNames: [`${nasty},x`],
      runtimeInfo: { 'not a tag <': nasty, nested: { '': 'x' } },
    });
    const read = parseIr(xml, bin);
    expect(read.graph.inputs[0].name).toBe(nasty);
    expect(read.graph.outputs[0].name).toBe(`${nasty},x`);
    expect(read.runtimeInfo).toMatchObject({ 'not a tag <': nasty, nested: { '': 'x' } });
  });

  it('says which version of the library wrote it', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(LIBRARY_VERSION).toBe(manifest.version);
    const { xml, bin } = await serializeModel(small(), {
      inputs: [image],
      runtimeInfo: { model_info: { labels: 'cat dog' } },
    });
    const imported = parseIr(xml, bin);
    expect(imported.runtimeInfo).toEqual({
      quantgrad: { version: LIBRARY_VERSION },
      model_info: { labels: 'cat dog' },
    });
    expect((await serializeModel(imported)).xml).toContain('value="cat dog"');
  });
});

describe('what cannot be written', () => {
  it('names the layer of an operation that OpenVINO does not have', async () => {
    const STRANGE = defineOperation<null>({ type: 'Strange', infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }] });
    class Odd extends nn.Module {
      override forward(x: Tensor): Tensor {
        return applyOne(STRANGE, [x], null);
      }
    }
    const error = await serializeModel(new nn.Sequential(new nn.ReLU(), new Odd()), { inputs: [image] }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ code: 'IR_OPERATION', details: { node: '1/Strange' } });
    expect(String(error)).toContain("layer '1'");
  });

  it('names the layer of a float64 tensor', async () => {
    await expect(fileOf((x) => relu(x), [randn([2], { dtype: 'float64' })])).rejects.toMatchObject({
      code: 'IR_DTYPE',
      details: { node: 'input' },
    });
  });

  it('needs the inputs of a class, and knows its options', async () => {
    await expect(serializeModel(small())).rejects.toMatchObject({ code: 'INPUTS_NEEDED' });
    await expect(serializeModel(small(), { input: [image] } as never)).rejects.toMatchObject({
      code: 'UNKNOWN_OPTION',
      details: { nearest: 'inputs' },
    });
    await expect(serializeModel(42 as never)).rejects.toMatchObject({ code: 'NOT_A_MODEL' });
  });
});

describe('saveModel', () => {
  it('writes both files, which readModel reads', async () => {
    const model = await quantize(small(), [randn([2, 3, 8, 8])]);
    await saveModel(model, path('model.xml'));
    const x = randn([3, 3, 8, 8]);
    const read = await readModel(path('model.xml'));
    expect(read.training).toBe(false);
    const [a, b] = noGrad(() => [read.forward(x) as Tensor, model.eval().forward(x) as Tensor]).map((result) =>
      result.dataSync(),
    );
    for (const [index, value] of b.entries()) expect(a[index]).toBeCloseTo(value, 4);
    // One byte for each weight, and little else.
    expect(readFileSync(path('model.bin')).length).toBeLessThan(108 + 288 + 200);
  });

  it('takes Functional models without the types of their inputs', async () => {
    const input = nn.input({ shape: [null, 4], name: 'features' });
    await saveModel(
      new nn.Functional({ inputs: input, outputs: new nn.Linear(4, 2).apply(input) }),
      path('functional.xml'),
    );
    expect((await readModel(path('functional.xml'))).graph.inputs[0]).toMatchObject({ name: 'features' });
  });

  it('refuses paths that are not those of an .xml file', async () => {
    for (const name of ['model', 'model.bin', 'model.onnx', '.xml.gz']) {
      await expect(saveModel(small(), path(name), { inputs: [image] })).rejects.toMatchObject({ code: 'NOT_XML_PATH' });
    }
    await expect(readModel('model.bin')).rejects.toMatchObject({ code: 'NOT_XML_PATH' });
  });

  it('leaves what was there when it fails', async () => {
    writeFileSync(path('model.xml'), 'old');
    writeFileSync(path('model.bin'), 'old');
    await expect(fileOfFloat64(path('model.xml'))).rejects.toMatchObject({ code: 'IR_DTYPE' });
    mkdirSync(path('other.bin'));
    await expect(saveModel(small(), path('other.xml'), { inputs: [image] })).rejects.toMatchObject({
      code: 'IS_A_DIRECTORY',
    });
    expect(existsSync(path('other.xml'))).toBe(false);
    expect(readFileSync(path('model.xml'), 'utf8') + readFileSync(path('model.bin'), 'utf8')).toBe('oldold');
    await expect(saveModel(small(), path('missing', 'model.xml'), { inputs: [image] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

const fileOfFloat64 = (target: string): Promise<void> =>
  saveModel(new FunctionModule((x) => relu(x)), target, { inputs: [randn([2], { dtype: 'float64' })] });
