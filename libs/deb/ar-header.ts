import { refusal } from '../inspection/refusal.js';

/** What an ar archive begins with. */
export const arMagic = '!<arch>\n';
/** Bytes of a member's header; the content follows, and a line feed where its length is odd. */
export const arHeaderLength = 60;
/** A Debian package has three members, and perhaps signatures. */
export const maxArMembers = 64;

export interface ArHeader {
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
}

/** Reads a header in the plain form that deb(5) asks for: a name of at most 16 characters, no tables. Throws a reason for a malformed one. */
export function parseArHeader(header: Buffer): ArHeader {
  const text = header.toString('latin1');
  const name = text.slice(0, 16).trimEnd().replace(/\/$/, '');
  const size = text.slice(48, 58).trimEnd();
  if (text.slice(58) !== '`\n' || !/^[\x21-\x7e]+$/.test(name) || name.includes('/') || !/^\d{1,10}$/.test(size)) throw refusal('the ar archive has a malformed member header');
  return { name, size: Number(size) };
}
