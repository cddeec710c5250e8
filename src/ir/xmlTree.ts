/** XML as a tree of elements: read by a strict parser, and written with one element a line. */
import { SaxesParser } from 'saxes';
import { FormatError } from '../errors.js';
import { escapeAttribute } from './xmlText.js';

/** An element; comments, processing instructions and the order of text between elements are not kept. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** All text directly within. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
}

/**
 * The root element.
 * @throws FormatError `NOT_XML` if it is not well-formed, `XML_ENTITY` for a reference to an entity that XML does not define:
 *   a document type's own entities are not read.
 */
export function parseXml(xml: string): XmlElement {
  const parser = new SaxesParser({ xmlns: false });
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes, children: [], text: '' };
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
  } catch (error) {
    const { line } = parser;
    const reason = error instanceof Error ? error.message : String(error);
    if (reason.includes('entity')) {
      throw new FormatError('XML_ENTITY', `The XML has a reference that is not known (${reason})`, { line }, error);
    }
    throw new FormatError('NOT_XML', `The IR is not well-formed XML: ${reason}`, { line }, error);
  }
  // A document without a root element is an error of the parser's.
  return root as unknown as XmlElement;
}

/** An element to be written: its text is used if it has no children. */
export interface XmlOutput {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly children?: readonly XmlOutput[];
  /** Written as it is: must need no escaping. */
  readonly text?: string;
}

function writeElement({ name, attributes = {}, children = [], text }: XmlOutput, indent: string): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeAttribute(String(value))}"`);
  const start = `${indent}<${name}${list.join('')}`;
  if (children.length > 0) {
    const inner = children.map((child) => writeElement(child, `${indent}\t`)).join('');
    return `${start}>\n${inner}${indent}</${name}>\n`;
  }
  return text === undefined ? `${start}/>\n` : `${start}>${text}</${name}>\n`;
}

/** The document with this root element, indented with tabs. */
export const writeXml = (root: XmlOutput): string => `<?xml version="1.0"?>\n${writeElement(root, '')}`;
