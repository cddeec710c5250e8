/** Writes a document as XML. */
import { IR_VERSION, type IrDocument, type IrLayer, type IrPort, type RuntimeInfo } from './document.js';
import { writeXml, type XmlOutput } from './xmlWriter.js';

/** In a list of names, a comma that is part of one is escaped. */
const nameList = (names: readonly string[]): string => names.map((name) => name.replaceAll(',', '\\,')).join(',');

const named = (key: string, names: readonly string[]): Record<string, string> =>
  names.length > 0 ? { [key]: nameList(names) } : {};

const port = ({ id, precision, dims, names }: IrPort): XmlOutput => ({
  name: 'port',
  attributes: { id, precision, ...named('names', names) },
  children: dims.map((dim) => ({ name: 'dim', text: String(dim) })),
});

const ports = (name: string, list: readonly IrPort[]): XmlOutput[] =>
  list.length > 0 ? [{ name, children: list.map(port) }] : [];

const layer = ({ id, name, type, version, data, inputs, outputs, outputNames }: IrLayer): XmlOutput => ({
  name: 'layer',
  attributes: { id, name, type, version, ...named('output_names', outputNames) },
  children: [
    ...(data && Object.keys(data).length > 0 ? [{ name: 'data', attributes: data }] : []),
    ...ports('input', inputs),
    ...ports('output', outputs),
  ],
});

/** Leaves are `<key value=".."/>`; keys that are no XML names stand in an attribute, behind the others. */
function runtimeInfo(info: RuntimeInfo): XmlOutput[] {
  const named: XmlOutput[] = [];
  const unnameable: XmlOutput[] = [];
  for (const [key, value] of Object.entries(info)) {
    const attributes: Record<string, string> = typeof value === 'string' ? { value } : {};
    const children = typeof value === 'string' ? [] : runtimeInfo(value);
    if (/^[A-Za-z_][\w.-]*$/.test(key)) named.push({ name: key, attributes, children });
    else unnameable.push({ name: 'info', attributes: { name: key, ...attributes }, children });
  }
  return [...named, ...unnameable];
}

/** The content of the `.xml` file. */
export const documentToXml = ({ name, layers, edges, runtimeInfo: info }: IrDocument): string =>
  writeXml({
    name: 'net',
    attributes: { name, version: IR_VERSION },
    children: [
      { name: 'layers', children: layers.map(layer) },
      {
        name: 'edges',
        children: edges.map(({ fromLayer, fromPort, toLayer, toPort }) => ({
          name: 'edge',
          attributes: { 'from-layer': fromLayer, 'from-port': fromPort, 'to-layer': toLayer, 'to-port': toPort },
        })),
      },
      { name: 'rt_info', children: runtimeInfo(info) },
    ],
  });
