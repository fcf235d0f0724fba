import { refusal } from '../../inspection/refusal.js';
import { decodeHeaderText } from './header-text.js';
import { headerLength, introLength, parseHeader, parseHeaderIntro, type HeaderKind } from './header.js';
import type { PackageHead } from './package-file.js';
import { leadLength, parseLead } from './package-lead.js';

/** Answers `length` bytes of the package file from `position`, fewer where the file ends. */
export type ReadBytes = (position: number, length: number) => Buffer;

/**
 * Reads what stands before the payload, and nothing of the payload, by random access; texts as `decodeHeaderText` has them. Throws a reason for whatever is
 * no package file.
 */
export function readPackageHead(read: ReadBytes): PackageHead {
  const major = parseLead(take(read, 0, leadLength));
  const signatureBytes = takeHeader(read, leadLength, 'signature');
  const start = leadLength + signatureBytes.length + ((8 - (signatureBytes.length % 8)) % 8);
  const headerBytes = takeHeader(read, start, 'main');
  return {
    major,
    signature: parseHeader(signatureBytes, 'signature'),
    header: parseHeader(headerBytes, 'main', decodeHeaderText),
    headerBytes,
    headerRange: { start, end: start + headerBytes.length },
  };
}

function takeHeader(read: ReadBytes, position: number, kind: HeaderKind): Buffer {
  const intro = parseHeaderIntro(take(read, position, introLength), kind);
  return take(read, position, introLength + headerLength(intro));
}

function take(read: ReadBytes, position: number, length: number): Buffer {
  const bytes = read(position, length);
  if (bytes.length < length) throw refusal('the package is truncated');
  return bytes;
}
