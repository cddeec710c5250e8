/** The ignored scope: which nodes each kind of rule means. */
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import { trace } from '../../src/graph/trace.js';
import { type IgnoredScope, ignoredNodes } from '../../src/quant/ignoredScope.js';
import { quantize } from '../../src/quant/quantize.js';
import { zeros } from '../../src/tensor/create.js';
import { images, SmallNet } from './models.js';
import { SharedConvolution } from './sharedConvolution.js';

const { graph } = trace(new SmallNet(), [zeros([1, 2, 6, 6])]);
const ignored = (scope: IgnoredScope): string[] => [...ignoredNodes(graph, scope)].map(({ name }) => name).sort();

describe('names', () => {
  it('mean one operation exactly', () => {
    expect(ignored({ names: ['conv/Convolution'] })).toEqual(['conv/Convolution']);
    expect(() => ignored({ names: ['conv/Convolutio'] })).toThrow(ValidationError);
  });

  it('mean all operations of a layer, with dots or slashes', () => {
    const block = ['block/0/Add', 'block/0/Convolution', 'block/0/Reshape'];
    expect(ignored({ names: ['block.0'] })).toEqual(block);
    expect(ignored({ names: ['block/0'] })).toEqual(block);
    expect(ignored({ names: ['block'] })).toEqual([...block, 'block/1/BatchNormInference'].sort());
  });

  it('do not mean layers whose names only begin alike', () => {
    expect(() => ignored({ names: ['bloc'] })).toThrow(/name 'bloc'/);
    expect(() => ignored({ names: [''] })).toThrow(/name ''/);
  });
});

describe('patterns', () => {
  it('match at the beginning of names', () => {
    expect(ignored({ patterns: ['conv'] })).toEqual(['conv/Convolution']);
    expect(ignored({ patterns: ['.*Convolution'] })).toEqual(['block/0/Convolution', 'conv/Convolution']);
    expect(() => ignored({ patterns: ['Convolution'] })).toThrow(/pattern 'Convolution'/);
  });

  it('keep their alternatives together', () => {
    expect(ignored({ patterns: ['zzz|fc/MatMul'] })).toEqual(['fc/MatMul']);
    expect(() => ignored({ patterns: ['zzz|MatMul'] })).toThrow(ValidationError);
  });

  it('must be regular expressions', () => {
    expect(() => ignored({ patterns: ['('] })).toThrow(/'\(' is not a regular expression/);
  });
});

it('types mean every operation of a type', () => {
  expect(ignored({ types: ['ReLU'] })).toEqual(['relu/ReLU', 'relu/ReLU_1']);
  expect(() => ignored({ types: ['relu'] })).toThrow(/type 'relu'/);
});

describe('subgraphs', () => {
  it('mean everything on a way from the inputs to the outputs', () => {
    const scope = { subgraphs: [{ inputs: ['relu/ReLU'], outputs: ['Add'] }] };
    expect(ignored(scope)).toEqual(
      ['Add', 'block/0/Add', 'block/0/Convolution', 'block/1/BatchNormInference', 'relu/ReLU'].sort(),
    );
  });

  it('that lead nowhere or end at unknown nodes are errors', () => {
    expect(() => ignored({ subgraphs: [{ inputs: ['fc/MatMul'], outputs: ['conv/Convolution'] }] })).toThrow(
      /subgraph 'fc\/MatMul to conv\/Convolution'/,
    );
    expect(() => ignored({ subgraphs: [{ inputs: ['relu/ReLU', 'nowhere'], outputs: ['Add'] }] })).toThrow(/'nowhere'/);
    expect(() => ignored({ subgraphs: [{ inputs: [], outputs: [] }] })).toThrow(ValidationError);
  });
});

describe('validation', () => {
  it('names everything that matches nothing, and what there is', () => {
    try {
      ignored({ names: ['head'], types: ['LSTM', 'ReLU'], patterns: ['x'] });
      expect.unreachable();
    } catch (error) {
      expect((error as ValidationError).code).toBe('IGNORED_SCOPE_UNMATCHED');
      expect((error as ValidationError).message).toMatch(/name 'head', pattern 'x', type 'LSTM'\./);
      expect((error as ValidationError).message).toMatch(/conv\/Convolution/);
    }
  });

  it.each<[string, IgnoredScope, RegExp]>([
    ['a misspelled layer', { names: ['blok.0'] }, /Near name 'blok.0' the model has block\/0/],
    ['an operation of another name', { names: ['fc/Linear'] }, /the model has fc/],
    ['a type as another library writes it', { types: ['relu'] }, /The model's types are ReLU, /],
    [
      'a pattern that is not at the beginning',
      { patterns: ['Convolution$'] },
      /within conv\/Convolution.*'\.\*Convolution\$'/,
    ],
    [
      'an end of a subgraph',
      { subgraphs: [{ inputs: ['relu'], outputs: ['Add'] }] },
      /Near subgraph end 'relu' the model has relu\/ReLU/,
    ],
  ])('lists what is near %s', (_, scope, message) => {
    expect(() => ignored(scope)).toThrow(message);
  });

  it('can be switched off', () => {
    expect(ignored({ names: ['head'], types: ['ReLU'], validate: false })).toEqual(['relu/ReLU', 'relu/ReLU_1']);
  });
});

it('ignored operations have no quantizers of their own', async () => {
  const quantized = await quantize(new SmallNet(), images(2), { ignoredScope: { names: ['block'] } });
  const names = quantized.quantizers.map(({ name }) => name);
  expect(names).not.toContain('block/0/Convolution/fq_weights_1');
  expect(names).toContain('conv/Convolution/fq_weights_1');
  expect(quantized.record.ignoredScope).toEqual({ names: ['block'] });
});

it('a shared layer that is ignored at one call keeps float weights there', async () => {
  const quantized = await quantize(new SharedConvolution(), images(2), {
    ignoredScope: { names: ['conv/Convolution_1'] },
  });
  const { graph: own } = quantized;
  const weightsBehind = (name: string): string => own.node(name).inputs[1].node.type;
  expect(weightsBehind('conv/Convolution')).toBe('SymmetricFakeQuantize');
  expect(weightsBehind('conv/Convolution_1')).toBe('Constant');
});
