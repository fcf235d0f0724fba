import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** Texts, numbers and atoms as they are (an atom as `{ atom }`); lists and tuples as arrays. */
export type ErlangTerm = string | number | { readonly atom: string } | readonly ErlangTerm[];

const maxDepth = 64;
const maxTerms = 200_000;

/**
 * Reads a file of Erlang terms (`file:consult`): `Term.` again and again. Only what package metadata are made of: binaries of text, strings, whole numbers,
 * atoms, lists and tuples. Throws the reason for anything else, and for passed limits.
 */
export function readErlangTerms(bytes: Buffer): readonly ErlangTerm[] {
  const parser = new TermParser(bytes.toString('utf8'));
  const terms: ErlangTerm[] = [];
  while (!parser.atEnd()) terms.push(parser.statement());
  return terms;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', e: '\x1b', s: ' ', d: '\x7f', '0': '\0' };

class TermParser {
  #at = 0;
  #terms = 0;

  constructor(private readonly text: string) {}

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.text.length;
  }

  statement(): ErlangTerm {
    const term = this.#term(0);
    this.#expect('.');
    return term;
  }

  #term(depth: number): ErlangTerm {
    if (depth > maxDepth) throw limitExceeded(`the metadata are nested deeper than ${maxDepth} levels`);
    this.#terms += 1;
    if (this.#terms > maxTerms) throw limitExceeded(`the metadata have more than ${maxTerms} terms`);
    this.#skipSpace();
    const next = this.text[this.#at];
    if (next === '{') return this.#sequence('}', depth);
    if (next === '[') return this.#sequence(']', depth);
    if (next === '"') return this.#strings();
    if (next === "'") return { atom: this.#quoted("'") };
    if (this.text.startsWith('<<', this.#at)) return this.#binary();
    const word = /(?:-?\d{1,15}|[a-z][A-Za-z0-9_@]{0,255})/y;
    word.lastIndex = this.#at;
    const found = word.exec(this.text)?.[0];
    if (found === undefined) throw this.#unexpected();
    this.#at += found.length;
    return /^-?\d/.test(found) ? Number(found) : { atom: found };
  }

  #sequence(end: string, depth: number): readonly ErlangTerm[] {
    const terms: ErlangTerm[] = [];
    this.#at += 1;
    if (this.#takes(end)) return terms;
    do terms.push(this.#term(depth + 1));
    while (this.#takes(','));
    this.#expect(end);
    return terms;
  }

  /** `<<"text">>`, `<<"text"/utf8>>`, `<<>>`. */
  #binary(): string {
    this.#at += 2;
    if (this.#takes('>>')) return '';
    this.#skipSpace();
    if (this.text[this.#at] !== '"') throw this.#unexpected();
    const text = this.#strings();
    this.#takes('/utf8');
    this.#expect('>>');
    return text;
  }

  /** Strings beside each other are one. */
  #strings(): string {
    let text = '';
    do {
      text += this.#quoted('"');
      this.#skipSpace();
    } while (this.text[this.#at] === '"');
    return text;
  }

  #quoted(quote: '"' | "'"): string {
    const parts: string[] = [];
    const plain = quote === '"' ? /[^"\\]*/y : /[^'\\]*/y;
    this.#at += 1;
    for (;;) {
      plain.lastIndex = this.#at;
      const found = plain.exec(this.text)?.[0] ?? '';
      parts.push(found);
      this.#at += found.length;
      const next = this.text[this.#at];
      if (next === undefined) throw refusal('the metadata are cut off within a text');
      this.#at += 1;
      if (next === quote) return parts.join('');
      parts.push(this.#escape());
    }
  }

  #escape(): string {
    const coded = /x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|([0-7]{1,3})/y;
    coded.lastIndex = this.#at;
    const found = coded.exec(this.text);
    if (found !== null) {
      this.#at += found[0].length;
      const code = found[3] === undefined ? Number.parseInt(found[1] ?? found[2] ?? '', 16) : Number.parseInt(found[3], 8);
      if (code > 0x10ffff) throw this.#unexpected();
      return String.fromCodePoint(code);
    }
    const next = this.text[this.#at];
    if (next === undefined) throw refusal('the metadata are cut off within a text');
    this.#at += 1;
    return escapes[next] ?? next;
  }

  #takes(token: string): boolean {
    this.#skipSpace();
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw this.#unexpected();
  }

  /** White space and comments. */
  #skipSpace(): void {
    const space = /[ \t\r\n]*/y;
    for (;;) {
      space.lastIndex = this.#at;
      this.#at += space.exec(this.text)?.[0].length ?? 0;
      if (this.text[this.#at] !== '%') return;
      const end = this.text.indexOf('\n', this.#at);
      this.#at = end < 0 ? this.text.length : end;
    }
  }

  #unexpected(): Error {
    return this.#at >= this.text.length ? refusal('the metadata are cut off') : refusal(`the metadata have something unexpected at character ${this.#at}`);
  }
}
