/** Reads XML as a document. Only the form is checked here; what layers mean is the business of the reader. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { FormatError, UnsupportedError } from '../errors.js';
import { IR_VERSION, type IrDocument, type IrEdge, type IrLayer, type IrPort, type RuntimeInfo } from './document.js';
import { unescapeAttribute } from './xmlText.js';

/** An element as the parser gives it: attributes have names that begin with `@`, several children are an array. */
type XmlElement = { readonly [key: string]: unknown };

const LISTS = new Set(['layer', 'edge', 'port', 'dim']);

// References are resolved here rather than by the parser, whose limit on their number is meant for documents from strangers.
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseAttributeValue: false,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  isArray: (name) => LISTS.has(name),
});

const isElement = (value: unknown): value is XmlElement =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A child element; empty if there is none. */
function child(element: XmlElement, name: string): XmlElement {
  const value = element[name];
  if (Array.isArray(value))
    throw new FormatError('IR_STRUCTURE', `The IR has several <${name}> where there must be one.`);
  return isElement(value) ? value : {};
}

/** The children of this name; text between them is dropped. */
const children = (element: XmlElement, name: string): XmlElement[] =>
  ((element[name] ?? []) as unknown[]).map((item) => (isElement(item) ? item : {}));

function attribute(element: XmlElement, name: string, where: string): string {
  const value = element[`@${name}`];
  if (typeof value === 'string') return unescapeAttribute(value);
  throw new FormatError('IR_ATTRIBUTE_MISSING', `${where} lacks the attribute '${name}'.`, { attribute: name });
}

const optional = (element: XmlElement, name: string): string => {
  const value = element[`@${name}`];
  return typeof value === 'string' ? unescapeAttribute(value) : '';
};

function index(element: XmlElement, name: string, where: string): number {
  const text = attribute(element, name, where);
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  throw new FormatError(
    'IR_NUMBER',
    `${where}: the attribute '${name}' is '${text}', but must be a whole number of at least 0.`,
  );
}

/** Names are separated by commas; a comma in a name is escaped. */
const nameList = (text: string): string[] =>
  text === '' ? [] : text.split(/(?<!\\),/).map((name) => name.replaceAll('\\,', ','));

function extent(value: unknown, where: string): number {
  // A <dim> with attributes or children is an element rather than text.
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  if (/^(-1|\d+)$/.test(text)) return Number(text);
  throw new FormatError('IR_DIM', `${where}: the dimension '${text}' must be a whole number of at least -1.`);
}

const port = (element: XmlElement, where: string): IrPort => ({
  id: index(element, 'id', `A port of ${where}`),
  precision: optional(element, 'precision'),
  dims: ((element.dim ?? []) as unknown[]).map((dim) => extent(dim, where)),
  names: nameList(optional(element, 'names')),
});

function dataAttributes(element: XmlElement): Record<string, string> | null {
  if (!('data' in element)) return null;
  const data = child(element, 'data');
  const entries = Object.entries(data).filter(([key]) => key.startsWith('@'));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(1), unescapeAttribute(String(value))]));
}

function layer(element: XmlElement): IrLayer {
  const name = optional(element, 'name');
  const where = `The layer '${name === '' ? optional(element, 'id') : name}'`;
  return {
    id: index(element, 'id', where),
    name: attribute(element, 'name', where),
    type: attribute(element, 'type', where),
    version: attribute(element, 'version', where),
    data: dataAttributes(element),
    inputs: children(child(element, 'input'), 'port').map((item) => port(item, where)),
    outputs: children(child(element, 'output'), 'port').map((item) => port(item, where)),
    outputNames: nameList(optional(element, 'output_names')),
  };
}

const edge = (element: XmlElement): IrEdge => ({
  fromLayer: index(element, 'from-layer', 'An edge'),
  fromPort: index(element, 'from-port', 'An edge'),
  toLayer: index(element, 'to-layer', 'An edge'),
  toPort: index(element, 'to-port', 'An edge'),
});

/** Metadata may be anything; what is not a value or a section of values is left out. */
function runtimeInfo(element: XmlElement): RuntimeInfo {
  const info: Record<string, string | RuntimeInfo> = {};
  for (const [key, value] of Object.entries(element)) {
    if (key.startsWith('@') || key === '#text') continue;
    for (const item of Array.isArray(value) ? value : [value]) {
      if (!isElement(item)) continue;
      const name = key === 'info' && '@name' in item ? optional(item, 'name') : key;
      info[name] = '@value' in item ? optional(item, 'value') : runtimeInfo(item);
    }
  }
  return info;
}

function parse(xml: string): XmlElement {
  const valid = XMLValidator.validate(xml);
  if (valid !== true) {
    const { msg, line } = valid.err;
    throw new FormatError('NOT_XML', `The IR is not well-formed XML (line ${line}): ${msg}`, { line });
  }
  try {
    return parser.parse(xml) as XmlElement;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError('NOT_XML', `The IR is not well-formed XML: ${reason}`, {}, error);
  }
}

/** The root element, checked to be that of a version that can be read. */
function root(xml: string): XmlElement {
  const parsed = parse(xml);
  const names = Object.keys(parsed).filter((key) => !key.startsWith('?') && key !== '#text');
  const net = parsed[names[0]];
  if (names.length !== 1 || names[0].toLowerCase() !== 'net' || !isElement(net)) {
    throw new FormatError('NOT_IR', `This is not OpenVINO IR: its root element is <${names[0] ?? ''}>, not <net>.`);
  }
  const version = optional(net, 'version');
  if (!['10', String(IR_VERSION)].includes(version)) {
    throw new UnsupportedError(
      'IR_VERSION',
      `IR version '${version}' cannot be read; versions 10 and ${IR_VERSION} can.`,
      { version },
    );
  }
  return net;
}

/**
 * @throws FormatError if it is no XML, no IR, or lacks what every layer and edge must have.
 * @throws UnsupportedError for other versions than 10 and 11.
 */
export function xmlToDocument(xml: string): IrDocument {
  const net = root(xml);
  return {
    name: optional(net, 'name'),
    layers: children(child(net, 'layers'), 'layer').map(layer),
    edges: children(child(net, 'edges'), 'edge').map(edge),
    // Version 10 means something else by the same names.
    runtimeInfo: optional(net, 'version') === '10' ? {} : runtimeInfo(child(net, 'rt_info')),
  };
}
