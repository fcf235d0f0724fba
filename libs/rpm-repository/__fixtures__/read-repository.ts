import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unpackZstdFrames } from '../../inspectors/archives/zstd-frames.js';
import { sha256 } from '../../rpm/__fixtures__/build-package.js';
import { readFilelists, readOther } from '../../rpm/metadata/filelists-and-other.js';
import { readPrimary } from '../../rpm/metadata/primary.js';
import { readRepomd, type Repomd } from '../../rpm/metadata/repomd.js';

/** All that a repository's metadata says. */
export interface WholeRepository {
  readonly repomd: Repomd;
  readonly counts: readonly (number | undefined)[];
  readonly primary: Packages<typeof readPrimary>;
  readonly filelists: Packages<typeof readFilelists>;
  readonly other: Packages<typeof readOther>;
}

type Packages<Reader extends (chunks: AsyncIterable<Buffer>) => AsyncIterable<unknown>> = ReturnType<Reader> extends AsyncIterable<infer Item> ? readonly Item[] : never;

/** Reads a repository with the readers of libs/rpm; checks every checksum and size that its repomd.xml declares. Packages by their places. */
export async function readRepository(directory: string): Promise<WholeRepository> {
  const repomd = await readRepomd(chunksOf(await readFile(path.join(directory, 'repodata/repomd.xml'))));
  const documents = new Map<string, Buffer>();
  for (const file of repomd.files) {
    const bytes = await readFile(path.join(directory, file.href));
    const open = await unpack(file.href, bytes);
    const wrong = sha256(bytes) !== file.checksum.hex || bytes.length !== file.size || (file.openChecksum !== undefined && (sha256(open) !== file.openChecksum.hex || open.length !== file.openSize));
    if (wrong) throw new Error(`${file.href} is not what repomd.xml declares`);
    documents.set(file.type, open);
  }
  const counts: (number | undefined)[] = [];
  const of = (type: string): AsyncIterable<Buffer> => chunksOf(documents.get(type) ?? Buffer.alloc(0));
  const primary = await all(readPrimary(of('primary'), { onCount: (count) => counts.push(count) }));
  return {
    repomd,
    counts,
    primary: primary.sort((one, other) => (one.href < other.href ? -1 : 1)),
    filelists: (await all(readFilelists(of('filelists')))).sort(byPackage),
    other: (await all(readOther(of('other')))).sort(byPackage),
  };
}

export async function unpack(name: string, bytes: Buffer): Promise<Buffer> {
  if (name.endsWith('.gz')) return gunzipSync(bytes);
  return name.endsWith('.zst') ? Buffer.concat(await all(unpackZstdFrames(chunksOf(bytes)))) : bytes;
}

function byPackage(one: { readonly pkgid: string }, other: { readonly pkgid: string }): number {
  return one.pkgid < other.pkgid ? -1 : 1;
}

export async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}
