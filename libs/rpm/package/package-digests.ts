import { createHash, type Hash } from 'node:crypto';
import { refusal } from '../../inspection/refusal.js';
import type { RpmHeader } from './header.js';
import type { PackageFile, PackageHead } from './package-file.js';
import { signatureTag, tag } from './tags.js';

export type PayloadCompression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'lzma' | 'zstd';

/** Unpacks a payload; injected, as limits and decoders belong to whoever reads. */
export type UnpackPayload = (packed: AsyncIterable<Buffer>, compression: PayloadCompression) => AsyncIterable<Buffer>;

interface ExpectedDigest {
  /** For reasons: `SHA-256`. */
  readonly name: string;
  readonly algorithm: string;
  /** Lower-case hex. */
  readonly hex: string;
}

const compressions: ReadonlySet<string> = new Set<PayloadCompression>(['none', 'gzip', 'bzip2', 'xz', 'lzma', 'zstd']);
/** By OpenPGP's numbers, RFC 9580 section 9.5. */
const openpgpHashes: Readonly<Record<number, string>> = { 1: 'md5', 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224', 12: 'sha3-256', 14: 'sha3-512' };

/**
 * Checks the digests of the main header that the signature header has. Returns their names, strongest first (`SHA-256`, `SHA-1`), empty for packages of
 * rpm 3; throws a reason when one does not hold.
 */
export function checkHeaderDigests({ signature, headerBytes }: Pick<PackageHead, 'signature' | 'headerBytes'>): readonly string[] {
  const declared = [
    digestOf(signature, signatureTag.sha3Header, 'sha3-256'),
    digestOf(signature, signatureTag.sha256Header, 'sha256'),
    digestOf(signature, signatureTag.sha1Header, 'sha1'),
  ].filter((digest) => digest !== undefined);
  for (const { name, algorithm, hex } of declared) {
    if (createHash(algorithm).update(headerBytes).digest('hex') !== hex) throw refusal(`the package's header does not have the ${name} digest that its signature header declares`);
  }
  return declared.map(({ name }) => name);
}

/** The payload's compression as the header names it; undefined when it names none, as rpm 3 and uncompressed payloads do. */
export function payloadCompression(header: RpmHeader): PayloadCompression | undefined {
  const name = header.string(tag.payloadCompressor);
  if (name === undefined) return undefined;
  if (!compressions.has(name)) throw refusal(`the package's payload has the unknown compression ${JSON.stringify(name.slice(0, 32))}`);
  return name as PayloadCompression;
}

export interface PayloadCheck {
  /** Bytes of the payload in the file. */
  readonly size: number;
  /** Names of what was checked: `payload SHA-256`, `unpacked payload SHA-256`, `MD5 of header and payload`, `size`. */
  readonly checked: readonly string[];
}

/**
 * Reads the payload to its end and checks it against the header: its digests, its size, and MD5 when there is no better digest. With `unpack` also the
 * digests of what is in it. Throws a reason when one does not hold. Memory: one chunk.
 */
export async function checkPayload({ head, payload }: PackageFile, unpack?: UnpackPayload): Promise<PayloadCheck> {
  const { header, signature } = head;
  const packed = startDigests(packedDigests(header));
  const md5 = packed.isEmpty ? signature.bytes(signatureTag.md5) : undefined;
  const whole = createHash('md5').update(head.headerBytes);
  const counted = observe(payload, (chunk) => {
    packed.update(chunk);
    if (md5 !== undefined) whole.update(chunk);
  });
  const checked = unpack === undefined ? await drain(counted) : await checkUnpacked(head, unpack, counted);
  // What a decoder left unread behind its end still counts.
  await drain(counted);
  packed.check('payload');
  if (md5 !== undefined && !whole.digest().equals(md5)) throw refusal('the package does not have the MD5 digest that its signature header declares');
  const sizes = [...signature.numbers(signatureTag.size), ...signature.numbers(signatureTag.longSize)];
  const size = head.headerBytes.length + packed.size();
  if (sizes.some((declared) => declared !== size)) throw refusal(`header and payload have ${size} bytes, but the signature header declares ${sizes.join(' and ')}`);
  const named = [...packed.names.map((name) => `payload ${name}`), ...checked, ...(md5 === undefined ? [] : ['MD5 of header and payload']), ...(sizes.length === 0 ? [] : ['size'])];
  return { size: packed.size(), checked: named };
}

async function checkUnpacked({ header, signature }: PackageHead, unpack: UnpackPayload, packed: AsyncIterable<Buffer>): Promise<readonly string[]> {
  const compression = payloadCompression(header) ?? 'none';
  // Zeros that align an uncompressed payload of v6 belong to no archive: the digests of what is unpacked leave them out.
  const aligned = compression === 'none' && header.numbers(tag.rpmFormat).some((format) => format >= 6);
  const unpacked = startDigests(aligned ? [] : unpackedDigests(header));
  await drain(observe(unpack(packed, compression), unpacked.update));
  unpacked.check('unpacked payload');
  // Told, never held against a package: some builders other than rpmbuild write another number there.
  const sizes = [...signature.numbers(signatureTag.payloadSize), ...signature.numbers(signatureTag.longArchiveSize)];
  const sized = sizes.length > 0 && sizes.every((declared) => declared === unpacked.size());
  return [...unpacked.names.map((name) => `unpacked payload ${name}`), ...(sized ? ['unpacked size'] : [])];
}

/** Whether the header has a digest of the payload as it is in the file. */
export function hasPayloadDigest(header: RpmHeader): boolean {
  return packedDigests(header).length > 0;
}

function packedDigests(header: RpmHeader): ExpectedDigest[] {
  return [digestOf(header, tag.payloadDigest, payloadAlgorithm(header)), digestOf(header, tag.payloadSha512, 'sha512'), digestOf(header, tag.payloadSha3, 'sha3-256')].filter(
    (digest) => digest !== undefined,
  );
}

function unpackedDigests(header: RpmHeader): ExpectedDigest[] {
  return [digestOf(header, tag.payloadDigestAlt, payloadAlgorithm(header)), digestOf(header, tag.payloadSha512Alt, 'sha512'), digestOf(header, tag.payloadSha3Alt, 'sha3-256')].filter(
    (digest) => digest !== undefined,
  );
}

/** v6 has no such tag any more: its algorithms are in the names of its digests. */
function payloadAlgorithm(header: RpmHeader): string {
  const number = header.numbers(tag.payloadDigestAlgorithm)[0] ?? 8;
  const algorithm = Object.hasOwn(openpgpHashes, number) ? openpgpHashes[number] : undefined;
  if (algorithm === undefined) throw refusal(`the package's payload has a digest of the unknown kind ${number}`);
  return algorithm;
}

function digestOf(header: RpmHeader, number: number, algorithm: string): ExpectedDigest | undefined {
  const hex = header.string(number)?.toLowerCase();
  return hex === undefined || hex === '' ? undefined : { name: algorithm.toUpperCase().replace(/^SHA(?=\d+$)/, 'SHA-'), algorithm, hex };
}

interface RunningDigests {
  readonly names: readonly string[];
  readonly isEmpty: boolean;
  readonly update: (chunk: Buffer) => void;
  readonly size: () => number;
  readonly check: (what: string) => void;
}

function startDigests(expected: readonly ExpectedDigest[]): RunningDigests {
  const running: readonly (ExpectedDigest & { readonly hash: Hash })[] = expected.map((digest) => ({ ...digest, hash: createHash(digest.algorithm) }));
  let size = 0;
  return {
    names: expected.map(({ name }) => name),
    isEmpty: expected.length === 0,
    update: (chunk) => {
      size += chunk.length;
      for (const { hash } of running) hash.update(chunk);
    },
    size: () => size,
    check: (what) => {
      for (const { name, hash, hex } of running) if (hash.digest('hex') !== hex) throw refusal(`the package's ${what} does not have the ${name} digest that its header declares`);
    },
  };
}

/** Passes the chunks on as often as it is iterated: a second reader gets what the first one left. */
function observe(chunks: AsyncIterable<Buffer>, see: (chunk: Buffer) => void): AsyncIterable<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const next = await iterator.next();
        if (next.done !== true) see(next.value);
        return next;
      },
    }),
  };
}

async function drain(chunks: AsyncIterable<Buffer>): Promise<readonly string[]> {
  for await (const _chunk of chunks);
  return [];
}
