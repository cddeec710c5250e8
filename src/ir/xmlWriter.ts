/** XML as it is written: one element a line. */
import { escapeAttribute } from './xmlText.js';

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
