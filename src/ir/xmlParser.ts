/** XML as a tree of elements, read by a strict parser. */
import { XmlElement as ParsedElement, parseXml as parseDocument, XmlError, XmlText } from '@rgrove/parse-xml';
import { FormatError } from '../errors.js';

/** An element; comments, processing instructions and the order of text between elements are not kept. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** All text directly within. */
  readonly text: string;
}

function convert({ name, attributes, children }: ParsedElement): XmlElement {
  return {
    name,
    attributes,
    children: children.filter((child) => child instanceof ParsedElement).map(convert),
    text: children.map((child) => (child instanceof XmlText ? child.text : '')).join(''),
  };
}

/**
 * The root element.
 * @throws FormatError `NOT_XML` if it is not well-formed, `XML_ENTITY` for a reference to an entity that XML does not define:
 *   a document type's own entities are not read.
 */
export function parseXml(xml: string): XmlElement {
  try {
    // A document without a root element is an error of the parser's.
    return convert(parseDocument(xml).root as ParsedElement);
  } catch (error) {
    // The parser and `convert` descend into elements by recursion, which a file can exhaust.
    if (error instanceof RangeError) {
      throw new FormatError('NOT_XML', 'The IR is not a model: its XML elements are nested too deeply.', {}, error);
    }
    if (!(error instanceof XmlError)) throw error;
    const { line, message } = error;
    const reason = message.split('\n')[0];
    if (reason.includes('entity')) {
      throw new FormatError('XML_ENTITY', `The XML has a reference that is not known: ${reason}.`, { line }, error);
    }
    throw new FormatError('NOT_XML', `The IR is not well-formed XML: ${reason}.`, { line }, error);
  }
}
