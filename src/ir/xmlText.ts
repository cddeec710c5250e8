/** Text in XML attributes: escaping, and back. */
import { FormatError } from '../errors.js';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // As they are, a reader turns them into spaces.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** What XML 1.0 cannot hold in any form: control characters, halves of surrogate pairs, U+FFFE and U+FFFF. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** The text as the value of an attribute between double quotes. What XML cannot hold becomes U+FFFD. */
export const escapeAttribute = (text: string): string =>
  text.replace(NO_XML, '\ufffd').replace(/[&<>"\t\n\r]/g, (character) => ESCAPES[character]);

/** The text of an attribute's value. */
export const unescapeAttribute = (value: string): string => value.replace(/&([^;&\s]*);/g, unescapeReference);

function unescapeReference(reference: string, name: string): string {
  const known = ENTITIES[name];
  if (known !== undefined) return known;
  const code = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
  const point = code ? Number.parseInt(code[1] ?? code[2], code[1] === undefined ? 10 : 16) : Number.NaN;
  if (point > 0 && point <= 0x10ffff) return String.fromCodePoint(point);
  throw new FormatError('XML_ENTITY', `The XML has the reference ${reference}, which is not known.`, { reference });
}
