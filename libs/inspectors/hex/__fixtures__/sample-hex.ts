import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { buildTar, buildTgz, type TarFile } from '../../__fixtures__/build-tar.js';

/** Files made with hex_core, as rebar3 has it: a package, and the documents of a repository, signed with the key of `public-key.pem`. */
export function hexFile(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, name));
}

export const sampleMetadata = `{<<"name">>,<<"millrace_sample">>}.
{<<"version">>,<<"1.0.0">>}.
{<<"app">>,<<"millrace_sample">>}.
{<<"licenses">>,[<<"MIT">>]}.
{<<"requirements">>,[]}.
`;

export interface TarballParts {
  readonly metadata?: string;
  readonly files?: readonly TarFile[];
  readonly members?: readonly TarFile[];
  readonly format?: string;
  readonly checksum?: string;
}

/** A tarball byte by byte, hostile ones included. */
export function buildTarball({ metadata = sampleMetadata, files = [{ name: 'src/sample.erl', content: '-module(sample).\n' }], members = [], format = '3', checksum }: TarballParts = {}): Buffer {
  const contents = buildTgz(files);
  const inner = createHash('sha256').update(format).update(metadata).update(contents).digest('hex').toUpperCase();
  return buildTar([
    { name: 'VERSION', content: format },
    { name: 'CHECKSUM', content: checksum ?? inner },
    { name: 'metadata.config', content: metadata },
    { name: 'contents.tar.gz', content: contents },
    ...members,
  ]);
}

/** Another key than that of the documents. */
export const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });

const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** A writer of its own, so that reader and writer cannot share a mistake: field, wire type 2, length, bytes. */
function message(...fields: readonly (readonly [number, Buffer | string])[]): Buffer {
  const writer = protobuf.Writer.create();
  for (const [id, value] of fields) writer.uint32((id << 3) | 2).bytes(Buffer.from(value));
  return Buffer.from(writer.finish());
}

export interface ReleaseFields {
  readonly version?: string;
  readonly outer?: string;
  readonly inner?: string;
  readonly retired?: boolean;
}

export function packageDocument(releases: readonly ReleaseFields[], name = 'millrace_sample'): Buffer {
  const fields = releases.map(({ version = '1.0.0', outer = '', inner = '', retired = false }): [number, Buffer] => [
    1,
    message([1, version], [2, bytesOf(inner)], ...(retired ? [[4, Buffer.from([8, 1])] as const] : []), ...(outer === '' ? [] : [[5, bytesOf(outer)] as const])),
  ]);
  return message(...fields, [2, name], [3, 'hexpm']);
}

/** Signed and packed as repositories send it. */
export function signed(payload: Buffer, privateKey = otherKey.privateKey): Buffer {
  return gzipSync(message([1, payload], [2, sign('sha512', payload, privateKey)]));
}

/** What a document declares of a tarball; the inner checksum as the tarball itself has it. */
export function digests(tarball: Buffer): { readonly outer: string; readonly inner: string } {
  const checksum = tarball.indexOf('CHECKSUM') + 512;
  return { outer: createHash('sha256').update(tarball).digest('hex'), inner: tarball.toString('latin1', checksum, checksum + 64).toLowerCase() };
}
