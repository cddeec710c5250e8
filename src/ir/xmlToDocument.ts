/** Reads XML as a document. Only the form is checked here; what layers mean is the business of the reader. */
import { FormatError, UnsupportedError } from '../errors.js';
import { IR_VERSION, type IrDocument, type IrEdge, type IrLayer, type IrPort, type RuntimeInfo } from './document.js';
import { parseXml, type XmlElement } from './xmlParser.js';

const NOTHING: XmlElement = { name: '', attributes: {}, children: [], text: '' };

/** The children of this name; text between them is dropped. */
const children = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((item) => item.name === name);

/** A child element; empty if there is none. */
function child(element: XmlElement, name: string): XmlElement {
  const found = children(element, name);
  if (found.length > 1) throw new FormatError('IR_STRUCTURE', `The IR has several <${name}> where there must be one.`);
  return found[0] ?? NOTHING;
}

function attribute(element: XmlElement, name: string, where: string): string {
  const value = element.attributes[name];
  if (value !== undefined) return value;
  throw new FormatError('IR_ATTRIBUTE_MISSING', `${where} lacks the attribute '${name}'.`, { attribute: name });
}

const optional = (element: XmlElement, name: string): string => element.attributes[name] ?? '';

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

function extent(element: XmlElement, where: string): number {
  const text = element.text.trim();
  if (element.children.length === 0 && /^(-1|\d+)$/.test(text)) return Number(text);
  throw new FormatError('IR_DIM', `${where}: the dimension '${text}' must be a whole number of at least -1.`);
}

const port = (element: XmlElement, where: string): IrPort => ({
  id: index(element, 'id', `A port of ${where}`),
  precision: optional(element, 'precision'),
  dims: children(element, 'dim').map((dim) => extent(dim, where)),
  names: nameList(optional(element, 'names')),
});

const dataAttributes = (element: XmlElement): Readonly<Record<string, string>> | null =>
  children(element, 'data').length > 0 ? child(element, 'data').attributes : null;

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
  for (const item of element.children) {
    const name = item.name === 'info' ? (item.attributes.name ?? item.name) : item.name;
    info[name] = item.attributes.value ?? runtimeInfo(item);
  }
  return info;
}

/** The root element, checked to be that of a version that can be read. */
function root(xml: string): XmlElement {
  const net = parseXml(xml);
  if (net.name.toLowerCase() !== 'net') {
    throw new FormatError('NOT_IR', `This is not OpenVINO IR: its root element is <${net.name}>, not <net>.`);
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
