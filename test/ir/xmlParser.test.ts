/** The XML parser against saxes, a well-known strict one, on documents that are well-formed and on many that nearly are. */
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { parseXml, type XmlElement } from '../../src/ir/xmlParser.js';

/** The tree that saxes sees; null where it finds the document not well-formed. */
function parseWithSaxes(xml: string): XmlElement | null {
  const parser = new SaxesParser({ xmlns: false });
  const open: { name: string; attributes: Record<string, string>; children: XmlElement[]; text: string }[] = [];
  let root: XmlElement | null = null;
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes: { ...attributes }, children: [], text: '' };
    if (open.length > 0) open[open.length - 1].children.push(element);
    else root = element;
    open.push(element);
  });
  const addText = (text: string): void => {
    if (open.length > 0) open[open.length - 1].text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    open.pop();
  });
  try {
    parser.write(xml).close();
    return root;
  } catch {
    return null;
  }
}

function parse(xml: string): XmlElement | null {
  try {
    return parseXml(xml);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return null;
  }
}

const name = fc.constantFrom('net', 'layer', 'a', '_', ':x', 'rt_info', 'größe', 'x-1.5', '名', '\u{10400}');
const text = fc.constantFrom(
  '',
  ' ',
  '\n\t',
  '12',
  'a,b',
  '&amp;',
  '&lt;&gt;',
  '&#65;',
  '&#x1F600;',
  '"\'',
  '\r\n',
  ']]',
  'é',
);
const value = fc.constantFrom('', '1', 'a b', '&quot;', '&apos;', 'x\ty\nz', '&#10;', '-1,3', '>');
const attributes = fc
  .uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 3 })
  .map((list) => list.map(([key, content]) => ` ${key}="${content}"`).join(''));
const { element } = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      name,
      attributes,
      fc.array(
        fc.oneof(
          { maxDepth: 4, depthSize: 'small' },
          text,
          tie('element'),
          fc.constantFrom('<!-- c -->', '<?pi x?>', '<![CDATA[<&]]>', '<![CDATA[]]>'),
        ),
        { maxLength: 4 },
      ),
      fc.constantFrom('', ' ', '\n'),
    )
    .map(([tag, list, content, space]) =>
      content.length === 0 ? `<${tag}${list}${space}/>` : `<${tag}${list}${space}>${content.join('')}</${tag}${space}>`,
    ),
}));
const declaration = fc.constantFrom(
  ...['', '<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-8' standalone=\"yes\" ?>\n", '\uFEFF'],
);
/** A document with something before its element. */
const documentWith = (...before: string[]): fc.Arbitrary<string> =>
  fc
    .tuple(declaration, fc.constantFrom('', ...before), element, fc.constantFrom('', '\n', '<!-- after -->'))
    .map((parts) => parts.join(''));
const wellFormed = documentWith(
  ...['<!-- before -->', '<!DOCTYPE net>', '<!DOCTYPE net [<!ELEMENT a (b)> <!-- > -->]>\n', '<?pi?>'],
);
/** Without a document type: what is in one is not checked. */
const simple = documentWith('<!-- before -->', '<?pi?>');
/** Pieces that break a document, or nearly do. */
const piece = fc.constantFrom(
  ...[
    '<',
    '>',
    '/',
    '&',
    ';',
    '"',
    "'",
    '=',
    '--',
    ']]>',
    '<!--',
    '-->',
    '<?xml version="1.0"?>',
    '<?',
    '?>',
    '&x;',
    '&#0;',
  ],
  ...[
    '&#xD800;',
    '&#1114112;',
    '<a>',
    '</a>',
    '<a/>',
    'a',
    ' ',
    '\n',
    '\0',
    '\uFFFF',
    '<![CDATA[',
    '<!DOCTYPE a>',
    '1',
  ],
);

describe('the parser', () => {
  it('reads what is well-formed as saxes does', () => {
    fc.assert(
      fc.property(wellFormed, (xml) => {
        const expected = parseWithSaxes(xml);
        expect(expected).not.toBeNull();
        expect(parse(xml)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('accepts a damaged document only where saxes does, and reads the same', () => {
    fc.assert(
      fc.property(simple, fc.nat(), fc.nat({ max: 4 }), piece, (xml, position, removed, inserted) => {
        const at = position % (xml.length + 1);
        const damaged = xml.slice(0, at) + inserted + xml.slice(at + removed);
        // Saxes is lax about what directly follows the name of an instruction.
        fc.pre(!/<\?(?!xml )/.test(damaged));
        expect(parse(damaged)).toEqual(parseWithSaxes(damaged));
      }),
      { numRuns: 2000 },
    );
  });

  it('says the line, and what is wrong', () => {
    const failure = (xml: string): unknown => {
      try {
        return parseXml(xml);
      } catch (error) {
        return error;
      }
    };
    expect(failure('<a>\n<b>\n</a>')).toMatchObject({
      code: 'NOT_XML',
      details: { line: 3 },
      message: expect.stringContaining('</a> closes <b>'),
    });
    expect(failure('<a>\n&own;</a>')).toMatchObject({ code: 'XML_ENTITY', details: { line: 2 } });
    expect(failure('<!DOCTYPE a [<!ENTITY own "x">]><a>&own;</a>')).toMatchObject({ code: 'XML_ENTITY' });
    expect(failure('<a>\uD800</a>')).toMatchObject({ code: 'NOT_XML' });
    expect(failure('<a><?pi?x?></a>')).toMatchObject({ code: 'NOT_XML' });
    expect(failure('<a><?xml version="1.0"?></a>')).toMatchObject({ code: 'NOT_XML' });
    expect(failure('')).toMatchObject({ code: 'NOT_XML', message: expect.stringContaining('no element') });
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

  it('reads elements that are nested deeply', () => {
    const depth = 100_000;
    let element: XmlElement = parseXml('<a>'.repeat(depth) + '</a>'.repeat(depth));
    let count = 1;
    for (; element.children.length > 0; count++) [element] = element.children;
    expect(count).toBe(depth);
  });
});
