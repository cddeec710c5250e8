/** Text in XML attributes. */

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
