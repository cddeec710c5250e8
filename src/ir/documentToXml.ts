/** Writes a document as XML. */
import { XMLBuilder } from 'fast-xml-parser';
import { IR_VERSION, type IrDocument, type IrLayer, type IrPort, type RuntimeInfo } from './document.js';
import { escapeAttribute } from './xmlText.js';

/** An element: attributes have names that begin with `@`. */
type XmlElement = { [key: string]: string | XmlElement | XmlElement[] | string[] };

const attributes = (values: Readonly<Record<string, string | number>>): XmlElement =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`@${name}`, escapeAttribute(String(value))]));

/** In a list of names, a comma that is part of one is escaped. */
const nameList = (names: readonly string[]): string => names.map((name) => name.replaceAll(',', '\\,')).join(',');

const named = (key: string, names: readonly string[]): Record<string, string> =>
  names.length > 0 ? { [key]: nameList(names) } : {};

const port = ({ id, precision, dims, names }: IrPort): XmlElement => ({
  ...attributes({ id, precision, ...named('names', names) }),
  ...(dims.length > 0 ? { dim: dims.map(String) } : {}),
});

const ports = (tag: string, list: readonly IrPort[]): XmlElement =>
  list.length > 0 ? { [tag]: { port: list.map(port) } } : {};

const layer = ({ id, name, type, version, data, inputs, outputs, outputNames }: IrLayer): XmlElement => ({
  ...attributes({ id, name, type, version, ...named('output_names', outputNames) }),
  ...(data && Object.keys(data).length > 0 ? { data: attributes(data) } : {}),
  ...ports('input', inputs),
  ...ports('output', outputs),
});

/** Leaves are `<key value=".."/>`; keys that are no XML names stand in an attribute. */
function runtimeInfo(info: RuntimeInfo): XmlElement {
  const element: XmlElement = {};
  const unnameable: XmlElement[] = [];
  for (const [key, value] of Object.entries(info)) {
    const content = typeof value === 'string' ? attributes({ value }) : runtimeInfo(value);
    if (/^[A-Za-z_][\w.-]*$/.test(key)) element[key] = content;
    else unnameable.push({ ...attributes({ name: key }), ...content });
  }
  if (unnameable.length > 0) element.info = unnameable;
  return element;
}

// Attributes are escaped beforehand, because the builder leaves line breaks in them as they are.
const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
  processEntities: false,
  format: true,
  indentBy: '\t',
});

/** The content of the `.xml` file. */
export function documentToXml({ name, layers, edges, runtimeInfo: info }: IrDocument): string {
  const edgeElements = edges.map(({ fromLayer, fromPort, toLayer, toPort }) =>
    attributes({ 'from-layer': fromLayer, 'from-port': fromPort, 'to-layer': toLayer, 'to-port': toPort }),
  );
  return builder.build({
    '?xml': attributes({ version: '1.0' }),
    net: {
      ...attributes({ name, version: IR_VERSION }),
      layers: { layer: layers.map(layer) },
      edges: { edge: edgeElements },
      rt_info: runtimeInfo(info),
    },
  });
}
