import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { withoutTrailingSpace } from './armor.js';

/** A cleartext-signed message in its parts. */
export interface CleartextParts {
  /** What the signature is over: line ends CR LF, none after the last line, white space at line ends gone (RFC 9580, 7.2). */
  readonly signed: Buffer;
  /** The same text as readers take it: line ends LF, one after the last line. Nothing else of the message may be believed. */
  readonly text: Buffer;
  /** The armored signature. */
  readonly signature: Buffer;
}

/** Bytes of a whole message; the largest honest ones, InRelease files of large archives, have some 300 KiB. */
export const cleartextLimit = 32 * 1024 * 1024;

const beginMessage = '-----BEGIN PGP SIGNED MESSAGE-----';
const beginSignature = '-----BEGIN PGP SIGNATURE-----';

/** Whether the bytes are a cleartext-signed message, by their first line. */
export function isCleartextSigned(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, beginMessage.length) === beginMessage;
}

/**
 * Takes a cleartext-signed message apart, https://www.rfc-editor.org/rfc/rfc9580.html#section-7. The message must be the whole file: text before or
 * after it is signed by nobody, and readers differ on whether they pass over it. Throws a reason for anything malformed.
 */
export function splitCleartext(message: Buffer): CleartextParts {
  if (message.length > cleartextLimit) throw limitExceeded(`the signed message is larger than ${cleartextLimit} bytes`);
  const lines = message.toString('latin1').split('\n').map(withoutTrailingSpace);
  if (lines[0] !== beginMessage) throw refusal('the file is not a cleartext-signed OpenPGP message from its first line');
  const blank = lines.indexOf('');
  if (blank < 1 || !lines.slice(1, blank).every((line) => /^Hash: [A-Za-z0-9, -]+$/.test(line))) throw refusal('the signed message has malformed headers');
  const end = lines.indexOf(beginSignature, blank);
  if (end < 0) throw refusal('the signed message has no signature: it is truncated');
  const text = lines.slice(blank + 1, end).map(unescape);
  return {
    signed: Buffer.from(text.join('\r\n'), 'latin1'),
    text: Buffer.from(text.map((line) => `${line}\n`).join(''), 'latin1'),
    signature: Buffer.from(lines.slice(end).join('\n'), 'latin1'),
  };
}

function unescape(line: string): string {
  if (line.startsWith('- ')) return line.slice(2);
  if (line.startsWith('-')) throw refusal('the signed message has a line that begins with a dash and is not escaped');
  return line;
}
