import { refusal } from '../../inspection/refusal.js';
import type { ChecksumAlgorithm } from './repository-path.js';

/** Bytes; a digest and a file name fit many times. */
export const checksumFileLimit = 4096;

/** Characters of a digest in hex. */
export const digestLengths: Readonly<Record<ChecksumAlgorithm, number>> = { sha512: 128, sha256: 64, sha1: 40, md5: 32 };

/**
 * The digest in a checksum file, in lower-case hex: the digest alone, `<digest>  <file>` as sha1sum writes it, or `SHA1 (<file>) = <digest>`.
 * Throws a reason for anything else, so that nothing else comes in by such a name, and when it is of another file than `name`.
 */
export function parseChecksumFile(bytes: Buffer, algorithm: ChecksumAlgorithm, name: string): string {
  const text = bytes.toString('latin1').trim();
  const digest = `[0-9a-fA-F]{${digestLengths[algorithm]}}`;
  const plain = new RegExp(String.raw`^(${digest})(?:[ \t]+\*?([^\s]{1,1024}))?$`).exec(text);
  const tagged = new RegExp(String.raw`^[A-Za-z0-9-]{2,10} ?\(([^\s()]{1,1024})\) ?= ?(${digest})$`).exec(text);
  const found = plain?.[1] ?? tagged?.[2];
  if (found === undefined) throw refusal(`the .${algorithm} file holds no ${algorithm} digest`);
  const file = plain?.[2] ?? tagged?.[1] ?? '-';
  const last = file.slice(file.lastIndexOf('/') + 1);
  if (last !== '-' && last !== name) throw refusal(`the .${algorithm} file is that of ${JSON.stringify(last.slice(0, 120))}`);
  return found.toLowerCase();
}
