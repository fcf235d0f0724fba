import { headerLength, introLength, parseHeaderIntro } from '../../rpm/package/header.js';
import type { PackageFile } from '../../rpm/package/package-file.js';
import { readPackageHead } from '../../rpm/package/package-head.js';
import { leadLength } from '../../rpm/package/package-lead.js';
import { refusal } from '../../inspection/refusal.js';
import type { PackageBytes } from '../package-format.js';

/** Headers of most packages are smaller, so one request brings all of them. */
const firstRead = 64 * 1024;
const payloadRead = 4 * 1024 * 1024;

/** Opens a package of which ranges can be read. Memory: its two headers, within the limits of `libs/rpm`, and two ranges of its payload. Throws a reason for what is no package. */
export async function openPackageBytes(bytes: PackageBytes, signal?: AbortSignal): Promise<PackageFile> {
  let known = await bytes.read(0, Math.min(firstRead, bytes.size));

  /** More than a file has is never asked for, whatever its headers announce. */
  async function need(end: number): Promise<void> {
    if (end > bytes.size) throw refusal('the package is truncated');
    if (end <= known.length) return;
    signal?.throwIfAborted();
    known = Buffer.concat([known, await bytes.read(known.length, end - known.length)]);
  }

  async function endOfHeader(start: number, kind: 'signature' | 'main'): Promise<number> {
    await need(start + introLength);
    const end = start + introLength + headerLength(parseHeaderIntro(known.subarray(start, start + introLength), kind));
    await need(end);
    return end;
  }

  if (known.length < leadLength) throw refusal('the file is not an RPM package: it has fewer bytes than one has at least');
  if (known.readUInt32BE(0) !== leadMagic) throw refusal('the file is not an RPM package');
  const signatureEnd = await endOfHeader(leadLength, 'signature');
  await endOfHeader(signatureEnd + ((8 - (signatureEnd % 8)) % 8), 'main');
  const head = readPackageHead((position, length) => known.subarray(position, position + length));
  return { head, payload: readRanges(bytes, { start: head.headerRange.end, known, signal }) };
}

const leadMagic = 0xedabeedb;

/** The next range is on its way while one is looked at. */
async function* readRanges(bytes: PackageBytes, { start, known, signal }: { readonly start: number; readonly known: Buffer; readonly signal: AbortSignal | undefined }): AsyncGenerator<Buffer, void> {
  const ask = (at: number): Promise<Buffer> | undefined => {
    if (at >= bytes.size) return undefined;
    const range = bytes.read(at, Math.min(payloadRead, bytes.size - at));
    range.catch(() => undefined); // whoever stops early must not leave its error unhandled
    return range;
  };
  let at = Math.max(start, known.length);
  let next = ask(at);
  if (known.length > start) yield known.subarray(start);
  while (next !== undefined) {
    signal?.throwIfAborted();
    const range = await next;
    at += range.length;
    next = ask(at);
    yield range;
  }
}
