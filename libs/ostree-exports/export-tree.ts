import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeflateRaw, deflateRawSync } from 'node:zlib';
import { isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import { spooledBlob } from '../cache-engine/spooled-blob.js';
import { MillraceError } from '../errors/millrace-error.js';
import { archiveHeader, checksumHeader, type FileHeader } from '../ostree/file-object.js';
import { metadataChecksum, writeDirmeta, writeDirtree, type Dirtree } from '../ostree/metadata-objects.js';
import { objectPath, type ObjectName } from '../ostree/object-name.js';
import type { BlobForm, ConvertedBlob, KeptObject } from '../ostree-record/ostree-record.js';
import { decodeDirectory, type TreeDirectory } from './tree-directory.js';
import { exportPath, type ExportCall, type ExportParts } from './export-parts.js';

/** Depth and number of what one artifact may have. */
const deepest = 200;
const mostNodes = 1_000_000;
/** Bytes of a file that is converted in memory. */
const smallFile = 256 * 1024;

const owned = { uid: 0, gid: 0, xattrs: [] } as const;
const directoryMeta = writeDirmeta({ ...owned, mode: 0o040755 });
const directoryMetaName: ObjectName = { checksum: metadataChecksum(directoryMeta), type: 'dirmeta' };

export interface ExportedTree {
  readonly dirtree: ObjectName;
  readonly dirmeta: ObjectName;
}

/**
 * Writes a directory of the cache as objects of OSTree, each once; what was written before is not read again. Errors: `blob-not-found` when something of it is gone,
 * `source-invalid` and `payload-too-large` for what can be no directory of a repository, `storage-…`, `database-unavailable`.
 */
export async function exportTree(parts: ExportParts, call: ExportCall, root: CacheDigest): Promise<ExportedTree> {
  const writer = new TreeWriter(parts, call);
  return { dirtree: await writer.directory(root, 0), dirmeta: await writer.meta() };
}

/** A directory that only the exporter makes: of artifacts that are no directory themselves. */
export async function exportMadeDirectory(parts: ExportParts, call: ExportCall, directories: Readonly<Record<string, CacheDigest>>): Promise<ExportedTree> {
  const writer = new TreeWriter(parts, call);
  const dirmeta = await writer.meta();
  const children: { name: string; dirtree: string; dirmeta: string }[] = [];
  for (const [name, digest] of Object.entries(directories)) children.push({ name, dirtree: (await writer.directory(digest, 1)).checksum, dirmeta: dirmeta.checksum });
  return { dirtree: await writer.dirtree({ files: [], directories: children }, undefined), dirmeta };
}

class TreeWriter {
  readonly #parts: ExportParts;
  readonly #call: ExportCall;
  readonly #known = new Map<string, string>();
  #nodes = 0;

  constructor(parts: ExportParts, call: ExportCall) {
    this.#parts = parts;
    this.#call = call;
  }

  async meta(): Promise<ObjectName> {
    if ((await this.#parts.record.has(this.#call.instance, [directoryMetaName]))[0] !== true) await this.#keep(directoryMetaName, directoryMeta, { children: [] });
    return directoryMetaName;
  }

  async directory(digest: CacheDigest, depth: number): Promise<ObjectName> {
    if (depth > deepest) throw new MillraceError('payload-too-large', `directories more than ${deepest} deep`);
    const known = await this.#converted([{ digest, form: 'directory' }]);
    if (known[0] !== undefined) return { checksum: known[0], type: 'dirtree' };
    const directory = decodeDirectory(await this.#read(digest), digest.function);
    this.#nodes += directory.files.length + directory.links.length + directory.directories.length;
    if (this.#nodes > mostNodes) throw new MillraceError('payload-too-large', `more than ${mostNodes} files and directories`);
    const files = [...(await this.#files(directory)), ...(await this.#links(directory))];
    const directories: { name: string; dirtree: string; dirmeta: string }[] = [];
    for (const child of directory.directories) directories.push({ name: child.name, dirtree: (await this.directory(child.digest, depth + 1)).checksum, dirmeta: directoryMetaName.checksum });
    return this.dirtree({ files, directories }, { digest, form: 'directory' });
  }

  async dirtree(tree: Dirtree, from: ConvertedBlob | undefined): Promise<ObjectName> {
    const bytes = writeDirtree(tree);
    const name: ObjectName = { checksum: metadataChecksum(bytes), type: 'dirtree' };
    const children: ObjectName[] = [
      ...tree.files.map(({ checksum }): ObjectName => ({ checksum, type: 'file' })),
      ...tree.directories.flatMap(({ dirtree, dirmeta }): ObjectName[] => [{ checksum: dirtree, type: 'dirtree' }, { checksum: dirmeta, type: 'dirmeta' }]),
    ];
    await this.#keep(name, bytes, { children, from });
    return name;
  }

  /** By position; of this tree first, then of those before. */
  async #converted(blobs: readonly ConvertedBlob[]): Promise<(string | undefined)[]> {
    const found = blobs.map((blob) => this.#known.get(keyOf(blob)));
    const asked = blobs.flatMap((blob, index) => (found[index] === undefined ? [{ blob, index }] : []));
    if (asked.length === 0) return found;
    const kept = await this.#parts.record.conversions(this.#call.instance, asked.map(({ blob }) => blob));
    asked.forEach(({ blob, index }, place) => {
      const checksum = kept[place];
      if (checksum === undefined) return;
      found[index] = checksum;
      this.#known.set(keyOf(blob), checksum);
    });
    return found;
  }

  async #files({ files }: TreeDirectory): Promise<{ name: string; checksum: string }[]> {
    const blobs = files.map(({ digest, executable }): ConvertedBlob => ({ digest, form: executable ? 'executable' : 'file' }));
    const known = await this.#converted(blobs);
    const done: { name: string; checksum: string }[] = [];
    for (const [index, blob] of blobs.entries()) {
      const checksum = known[index] ?? this.#known.get(keyOf(blob)) ?? (await this.#file(blob));
      done.push({ name: files[index]?.name ?? '', checksum });
    }
    return done;
  }

  async #links({ links }: TreeDirectory): Promise<{ name: string; checksum: string }[]> {
    const done: { name: string; checksum: string }[] = [];
    for (const { name, target } of links) {
      const header: FileHeader = { ...owned, mode: 0o120777, target };
      const checksum = createHash('sha256').update(checksumHeader(header)).digest('hex');
      await this.#keep({ checksum, type: 'file' }, archiveHeader(header, 0n), { children: [] });
      done.push({ name, checksum });
    }
    return done;
  }

  async #file(blob: ConvertedBlob): Promise<string> {
    const { digest } = blob;
    const header: FileHeader = { ...owned, mode: blob.form === 'executable' ? 0o100755 : 0o100644, target: '' };
    const hash = createHash('sha256').update(checksumHeader(header));
    const head = archiveHeader(header, BigInt(digest.size));
    if (digest.size <= smallFile) {
      const content = await this.#read(digest);
      const name: ObjectName = { checksum: hash.update(content).digest('hex'), type: 'file' };
      await this.#keep(name, Buffer.concat([head, deflateRawSync(content)]), { children: [], from: blob });
      return name.checksum;
    }
    return this.#largeFile(blob, { head, hash });
  }

  async #largeFile(blob: ConvertedBlob, { head, hash }: { readonly head: Buffer; readonly hash: ReturnType<typeof createHash> }): Promise<string> {
    const { cache, store } = this.#parts;
    const { instance, signal } = this.#call;
    const spooled = spooledBlob(await this.#parts.spool());
    try {
      await spooled.append(head);
      const { content } = await cache.readBlob(instance, blob.digest, { signal });
      await pipeline(
        Readable.from(content),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            yield chunk;
          }
        },
        createDeflateRaw(),
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) await spooled.append(chunk);
        },
        { signal },
      );
      const name: ObjectName = { checksum: hash.digest('hex'), type: 'file' };
      const bytes = spooled.size;
      await store.put(exportPath(instance, objectPath(name)), await spooled.content(), { signal });
      await this.#remember({ ...name, bytes, children: [], from: blob });
      return name.checksum;
    } finally {
      await spooled.discard();
    }
  }

  async #keep(name: ObjectName, bytes: Buffer, { children, from }: { readonly children: readonly ObjectName[]; readonly from?: ConvertedBlob | undefined }): Promise<void> {
    const { instance, signal } = this.#call;
    signal.throwIfAborted();
    await this.#parts.store.put(exportPath(instance, objectPath(name)), bytes, { signal });
    await this.#remember({ ...name, bytes: bytes.length, children, ...(from === undefined ? {} : { from }) });
  }

  async #remember(object: KeptObject): Promise<void> {
    await this.#parts.record.keep(this.#call.instance, [object]);
    if (object.from !== undefined) this.#known.set(keyOf(object.from), object.checksum);
  }

  async #read(digest: CacheDigest): Promise<Buffer> {
    if (isEmptyBlob(digest)) return Buffer.alloc(0);
    const { instance, signal } = this.#call;
    const [content] = await this.#parts.cache.readBlobs(instance, [digest], { signal });
    if (content === undefined) throw new MillraceError('blob-not-found', `the cache ${instance} has no ${digest.hash} any more`);
    return content;
  }
}

function keyOf({ digest, form }: { readonly digest: CacheDigest; readonly form: BlobForm }): string {
  return `${form} ${digest.function} ${digest.hash}`;
}
