/** What the reader makes of the XML library: trees of elements, and typed errors for what is no XML. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { parseXml, type XmlElement } from '../../src/ir/xmlParser.js';
import { writeXml } from '../../src/ir/xmlWriter.js';

const failure = (xml: string): unknown => {
  try {
    return parseXml(xml);
  } catch (error) {
    return error;
  }
};

const name = fc.constantFrom('net', 'layer', 'a', '_', 'rt_info', 'größe', 'x-1.5', '名');
const attributes = fc.dictionary(name, fc.string({ unit: 'grapheme-composite' }), {
  maxKeys: 3,
  noNullPrototype: true,
});
const elementWith = (children: fc.Arbitrary<XmlElement[]>): fc.Arbitrary<XmlElement> =>
  fc.record({ name, attributes, children, text: fc.constant('') });
const levels = [1, 2, 3].reduce(
  (below) => elementWith(fc.array(below, { maxLength: 3 })),
  elementWith(fc.constant([])),
);
/** Indentation is text too; what it says does not matter to the reader. */
const withoutText = ({ name, attributes, children }: XmlElement): XmlElement => ({
  name,
  attributes: { ...attributes },
  children: children.map(withoutText),
  text: '',
});

describe('parseXml', () => {
  it('reads back what is written', () => {
    fc.assert(
      fc.property(levels, (tree) => {
        expect(withoutText(parseXml(writeXml(tree)))).toEqual(withoutText(tree));
      }),
    );
  });

  it('joins text directly within an element', () => {
    const { text, children } = parseXml('<a>1<!-- c -->,<b>x</b><![CDATA[<2>]]>&amp;</a>');
    expect([text, children.map((child) => child.text)]).toEqual(['1,<2>&', ['x']]);
  });

  it('says the line, and what is wrong', () => {
    expect(failure('<a>\n<b>\n</a>')).toMatchObject({ code: 'NOT_XML', details: { line: 3 } });
    expect(failure('<a>\n&own;</a>')).toMatchObject({ code: 'XML_ENTITY', details: { line: 2 } });
    expect(failure('<!DOCTYPE a [<!ENTITY own "x">]><a>&own;</a>')).toMatchObject({ code: 'XML_ENTITY' });
    for (const xml of [
      '',
      '<a>\uD800</a>',
      '<a><?xml version="1.0"?></a>',
      '<a x="1" x="2"/>',
      '<a/><b/>',
      '<a>&#0;</a>',
    ]) {
      expect(failure(xml)).toMatchObject({ code: 'NOT_XML' });
    }
  });

  it('refuses elements that are nested too deeply', () => {
    const depth = 100_000;
    expect(failure('<a>'.repeat(depth) + '</a>'.repeat(depth))).toMatchObject({ code: 'NOT_XML' });
  });

  it('takes names of the prototype for names', () => {
    const { attributes, name } = parseXml('<constructor __proto__="1" toString="2"/>');
    expect([name, Object.entries(attributes)]).toEqual([
      'constructor',
      [
        ['__proto__', '1'],
        ['toString', '2'],
      ],
    ]);
  });

  it('gives a typed error, or a tree, for any damage', () => {
    const whole = writeXml({ name: 'net', attributes: { name: 'x', version: 11 }, children: [{ name: 'layers' }] });
    fc.assert(
      fc.property(fc.nat({ max: whole.length }), fc.nat({ max: 6 }), fc.string(), (at, removed, inserted) => {
        const result = failure(whole.slice(0, at) + inserted + whole.slice(at + removed));
        if (result instanceof Error) expect(result).toBeInstanceOf(FormatError);
        else expect(result).toHaveProperty('children');
      }),
    );
  });
});
