/**
 * A strict parser of XML 1.0: what is not well-formed is an error with its line. It is this small because IR needs no more
 * than elements, attributes and text. A document type is passed over, so that no entity of its own is ever expanded.
 */
import { FormatError } from '../errors.js';

/** An element; comments, processing instructions and the order of text between elements are not kept. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** All text directly within. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly attributes: Record<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/** Characters of names, https://www.w3.org/TR/xml/#NT-Name. */
const START =
  ':A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF' +
  '\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NAME = new RegExp(`[${START}][-.0-9\\xB7\\u0300-\\u036F\\u203F\\u2040${START}]*`, 'uy');
/** What no document may hold, https://www.w3.org/TR/xml/#NT-Char. */
const FORBIDDEN = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const SPACE = /[ \t\n]*/y;
const DECLARATION =
  /<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(["'])1\.\d+\1([ \t\n]+encoding[ \t\n]*=[ \t\n]*(["'])[A-Za-z][-\w.]*\3)?([ \t\n]+standalone[ \t\n]*=[ \t\n]*(["'])(yes|no)\5)?[ \t\n]*\?>/y;
/** What matters within a document type: strings, comments and instructions as a whole, and where brackets open and close. */
const DOCTYPE_PART = /"[^"]*"|'[^']*'|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[[\]<>]/g;
const REFERENCE = /&(?:#(\d+)|#x([\da-fA-F]+)|([^;&<\s]*));?/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

class Parser {
  /** With line breaks as XML hands them on. */
  readonly #xml: string;
  #at = 0;

  constructor(xml: string) {
    this.#xml = xml.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
    const forbidden = FORBIDDEN.exec(this.#xml);
    if (forbidden) throw this.#error('a character that XML does not allow', forbidden.index);
  }

  document(): XmlElement {
    if (/^<\?xml\s/.test(this.#xml)) {
      if (this.#match(DECLARATION) === null) throw this.#error('the XML declaration is wrong');
    }
    this.#betweenElements();
    if (this.#starts('<!DOCTYPE')) {
      this.#documentType();
      this.#betweenElements();
    }
    const root = this.#element();
    this.#betweenElements();
    if (this.#at < this.#xml.length) throw this.#error('something follows the root element');
    return root;
  }

  /** Space, comments and instructions. */
  #betweenElements(): void {
    do this.#match(SPACE);
    while (this.#aside());
  }

  /** Passes over a comment or an instruction. */
  #aside(): boolean {
    if (this.#take('<!--')) {
      const comment = this.#until('-->', 'a comment');
      if (comment.includes('--') || comment.endsWith('-')) throw this.#error("'--' within a comment");
      return true;
    }
    if (!this.#take('<?')) return false;
    const name = this.#name();
    const rest = this.#until('?>', 'an instruction');
    if (name.toLowerCase() === 'xml') throw this.#error('an XML declaration that is not at the start');
    if (rest !== '' && !/^[ \t\n]/.test(rest)) throw this.#error('an instruction without a space behind its name');
    return true;
  }

  #documentType(): void {
    DOCTYPE_PART.lastIndex = this.#at + 1;
    for (let depth = 1; depth > 0; ) {
      const part = DOCTYPE_PART.exec(this.#xml);
      if (!part) throw this.#error('the document type does not end');
      if (part[0] === '<' || part[0] === '[') depth++;
      else if (part[0] === '>' || part[0] === ']') depth--;
    }
    this.#at = DOCTYPE_PART.lastIndex;
  }

  /** An element with all that is in it, without recursion: files from elsewhere may be nested deeply. */
  #element(): XmlElement {
    const open: OpenElement[] = [];
    for (;;) {
      const parent = open.at(-1);
      if (this.#starts('</')) {
        this.#end(parent);
        if (open.length === 1) return open[0];
        open.pop();
      } else if (parent && this.#take('<![CDATA[')) parent.text += this.#until(']]>', 'a CDATA section');
      else if (parent && this.#aside()) continue;
      else if (this.#starts('<')) {
        const { element, closed } = this.#start();
        parent?.children.push(element);
        if (closed && !parent) return element;
        if (!closed) open.push(element);
      } else if (parent) parent.text += this.#characters(parent);
      else throw this.#error(this.#at < this.#xml.length ? 'text outside of the root element' : 'there is no element');
    }
  }

  #start(): { element: OpenElement; closed: boolean } {
    this.#at++;
    const element: OpenElement = { name: this.#name(), attributes: {}, children: [], text: '' };
    for (;;) {
      const space = this.#match(SPACE);
      if (this.#take('/>')) return { element, closed: true };
      if (this.#take('>')) return { element, closed: false };
      if (space === '') throw this.#error(`the start of <${element.name}> does not end`);
      const name = this.#name();
      this.#match(SPACE);
      if (!this.#take('=')) throw this.#error(`the attribute '${name}' has no value`);
      this.#match(SPACE);
      const quote = this.#take('"') ? '"' : this.#take("'") ? "'" : null;
      if (!quote) throw this.#error(`the value of the attribute '${name}' has no quotes`);
      const value = this.#until(quote, `the attribute '${name}'`);
      if (value.includes('<')) throw this.#error(`'<' within the attribute '${name}'`);
      if (Object.hasOwn(element.attributes, name)) throw this.#error(`the attribute '${name}' stands twice`);
      // Whatever its name is, it must not set the prototype.
      Object.defineProperty(element.attributes, name, {
        value: this.#resolve(value.replace(/[\t\n]/g, ' '), this.#at - value.length - 1),
        enumerable: true,
      });
    }
  }

  #end(element: OpenElement | undefined): void {
    this.#at += 2;
    const name = this.#name();
    if (name !== element?.name) {
      throw this.#error(`</${name}> closes ${element ? `<${element.name}>` : 'an element that was not opened'}`);
    }
    this.#match(SPACE);
    if (!this.#take('>')) throw this.#error(`</${name} does not end`);
  }

  #characters({ name }: XmlElement): string {
    const end = this.#xml.indexOf('<', this.#at);
    if (end < 0) throw this.#error(`<${name}> is not closed`, this.#xml.length);
    const text = this.#xml.slice(this.#at, end);
    if (text.includes(']]>')) throw this.#error("']]>' within text");
    const resolved = this.#resolve(text, this.#at);
    this.#at = end;
    return resolved;
  }

  /** The text, which stands at a position, with its references replaced. */
  #resolve(text: string, position: number): string {
    if (!text.includes('&')) return text;
    return text.replace(REFERENCE, (reference, decimal?: string, hexadecimal?: string, name?: string, offset = 0) => {
      const at = position + offset;
      if (!reference.endsWith(';')) throw this.#error(`the reference ${reference} does not end`, at);
      if (name !== undefined) {
        if (Object.hasOwn(ENTITIES, name)) return ENTITIES[name];
        throw new FormatError('XML_ENTITY', `The XML has a reference that is not known: ${reference}.`, {
          line: this.#line(at),
        });
      }
      const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
      const character = code <= 0x10ffff ? String.fromCodePoint(code) : '\0';
      if (FORBIDDEN.test(character)) throw this.#error(`the reference ${reference} to no character`, at);
      return character;
    });
  }

  #name(): string {
    const name = this.#match(NAME);
    if (name === null) throw this.#error('a name was expected');
    return name;
  }

  /** What stands up to `end`, and passes over both. */
  #until(end: string, what: string): string {
    const found = this.#xml.indexOf(end, this.#at);
    if (found < 0) throw this.#error(`${what} does not end`);
    const text = this.#xml.slice(this.#at, found);
    this.#at = found + end.length;
    return text;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#xml)?.[0] ?? null;
    this.#at += text?.length ?? 0;
    return text;
  }

  #starts = (text: string): boolean => this.#xml.startsWith(text, this.#at);

  #take(text: string): boolean {
    if (!this.#starts(text)) return false;
    this.#at += text.length;
    return true;
  }

  #line = (position: number): number => this.#xml.slice(0, position).split('\n').length;

  #error(what: string, position = this.#at): FormatError {
    const line = this.#line(position);
    return new FormatError('NOT_XML', `The IR is not well-formed XML: line ${line}: ${what}.`, { line });
  }
}

/**
 * The root element.
 * @throws FormatError `NOT_XML` if it is not well-formed, `XML_ENTITY` for a reference to an entity that XML does not define.
 */
export const parseXml = (xml: string): XmlElement => new Parser(xml).document();
