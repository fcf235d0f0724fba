import { refusal } from '../../inspection/refusal.js';

/** What an armored block may say that it holds, https://www.rfc-editor.org/rfc/rfc9580.html#section-6.2 */
export type ArmorLabel = 'PGP SIGNATURE' | 'PGP PUBLIC KEY BLOCK';

const armorHeader = /^[A-Za-z][A-Za-z0-9-]{0,63}:/;
const base64Line = /^[A-Za-z0-9+/]+={0,2}$/;
const checksumLine = /^=[A-Za-z0-9+/]{4}$/;

/** Whether the bytes are armored text, by their first line. */
export function isArmored(bytes: Buffer): boolean {
  return /^\s*-----BEGIN PGP /.test(bytes.toString('latin1', 0, 256));
}

/**
 * The bytes of every armored block of a text that has nothing else in it but white space. Own code, because the library passes over whatever
 * stands before and after a block. The optional CRC-24 line is not compared (RFC 9580, 6.1: it protects nobody). Throws a reason for anything malformed.
 */
export function readArmor(text: Buffer, label: ArmorLabel): readonly Buffer[] {
  const blocks: Buffer[] = [];
  const lines = text.toString('latin1').split('\n').map(withoutTrailingSpace);
  for (let at = nextLine(lines, 0); at < lines.length; ) {
    const end = lines.indexOf(`-----END ${label}-----`, at);
    if (lines[at] !== `-----BEGIN ${label}-----` || end < 0) throw refusal(`expected only armored blocks of "${label}"`);
    blocks.push(readBlock(lines.slice(at + 1, end), label));
    at = nextLine(lines, end + 1);
  }
  if (blocks.length === 0) throw refusal(`there is no armored block of "${label}"`);
  return blocks;
}

function nextLine(lines: readonly string[], from: number): number {
  let at = from;
  while (at < lines.length && lines[at] === '') at += 1;
  return at;
}

function readBlock(lines: readonly string[], label: ArmorLabel): Buffer {
  let at = 0;
  while (at < lines.length && armorHeader.test(lines[at] as string)) at += 1;
  if (lines[at] !== '') throw refusal(`the armored "${label}" has no empty line before its data`);
  const body = lines.slice(at + 1).filter((line) => line !== '');
  if (checksumLine.test(body.at(-1) ?? '')) body.pop();
  // Padding only at the very end: decoders differ on what follows it.
  const sound = body.every((line, index) => base64Line.test(line) && (index === body.length - 1 || !line.endsWith('=')));
  const base64 = body.join('');
  if (!sound || base64 === '' || base64.length % 4 !== 0) throw refusal(`the armored "${label}" is damaged`);
  return Buffer.from(base64, 'base64');
}

/** White space as GnuPG takes it off the ends of lines. */
export function withoutTrailingSpace(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t' || line[end - 1] === '\r')) end -= 1;
  return end === line.length ? line : line.slice(0, end);
}
