import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { buildTar, type TarFile } from '../../__fixtures__/build-tar.js';
import { buildZip, type ZipFileToBuild } from '../../__fixtures__/build-zip.js';

/** Packages made with Python's tarfile, bz2 and zipfile, as conda-build uses them. */
export function condaFile(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, name));
}

export const sampleIndex = { name: 'millrace-sample', version: '1.0.0', build: 'h123_0', build_number: 0, depends: [], license: 'MIT', subdir: 'linux-64', arch: 'x86_64', platform: 'linux' };
export const sampleAbout = { summary: 'A sample.', home: 'https://example.test/sample' };

export interface CondaParts {
  readonly index?: unknown;
  readonly files?: readonly TarFile[];
  readonly format?: unknown;
  readonly paths?: unknown;
  readonly members?: readonly ZipFileToBuild[];
}

/** A `.conda` byte by byte, hostile ones included. */
export function buildConda({ index = sampleIndex, files = [{ name: 'share/sample.txt', content: 'one\n' }], format = { conda_pkg_format_version: 2 }, paths = { paths: [], paths_version: 1 }, members = [] }: CondaParts = {}): Buffer {
  const info = [
    { name: 'info/index.json', content: JSON.stringify(index) },
    { name: 'info/about.json', content: JSON.stringify(sampleAbout) },
    { name: 'info/paths.json', content: JSON.stringify(paths) },
  ];
  return buildZip([
    { name: 'metadata.json', content: JSON.stringify(format) },
    { name: 'pkg-millrace-sample-1.0.0-h123_0.tar.zst', content: zstdCompressSync(buildTar(files)) },
    { name: 'info-millrace-sample-1.0.0-h123_0.tar.zst', content: zstdCompressSync(buildTar(info)) },
    ...members,
  ]);
}

/** Repodata that declare files by their content. */
export function repodataOf(files: Readonly<Record<string, Buffer>>, more: Readonly<Record<string, unknown>> = {}): Buffer {
  const records = Object.entries(files).map(([file, bytes]) => [file, { name: 'x', depends: ['a {"', '\\"}'], sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }]);
  const ending = (end: string): unknown => Object.fromEntries(records.filter(([file]) => (file as string).endsWith(end)));
  return Buffer.from(JSON.stringify({ info: { subdir: 'linux-64' }, packages: ending('.bz2'), 'packages.conda': ending('.conda'), removed: ['packages'], repodata_version: 1, ...more }));
}

/** MessagePack of JSON values and of bytes, as far as the specs need it. */
export function msgpack(value: unknown): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xcb);
    if (!Number.isSafeInteger(value)) bytes.writeDoubleBE(value, 1);
    else {
      bytes[0] = 0xd3;
      bytes.writeBigInt64BE(BigInt(value), 1);
    }
    return bytes;
  }
  if (typeof value === 'string') return Buffer.concat([head(0xdb, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(0xc6, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(0xdd, value.length), ...value.map(msgpack)]);
  const entries = Object.entries(value as Record<string, unknown>);
  return Buffer.concat([head(0xdf, entries.length), ...entries.flatMap(([key, item]) => [msgpack(key), msgpack(item)])]);
}

function head(type: number, length: number): Buffer {
  const bytes = Buffer.from([type, 0, 0, 0, 0]);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

export interface ShardedRepodata {
  readonly index: Buffer;
  readonly shard: Buffer;
  /** `<sha256>.msgpack.zst` */
  readonly shardName: string;
}

/** Sharded repodata of one package. */
export function shardedRepodata(file: string, bytes: Buffer, options: { readonly record?: Readonly<Record<string, unknown>>; readonly info?: Readonly<Record<string, unknown>> } = {}): ShardedRepodata {
  const record = { ...sampleIndex, size: bytes.length, sha256: createHash('sha256').update(bytes).digest(), ...options.record };
  const shard = zstdCompressSync(msgpack({ packages: {}, 'packages.conda': { [file]: record }, removed: [] }));
  const digest = createHash('sha256').update(shard).digest();
  const info = { subdir: 'linux-64', base_url: '', shards_base_url: './shards/', ...options.info };
  return { index: zstdCompressSync(msgpack({ info, shards: { 'millrace-sample': digest } })), shard, shardName: `${digest.toString('hex')}.msgpack.zst` };
}
