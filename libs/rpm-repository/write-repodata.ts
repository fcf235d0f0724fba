import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { asStorageError } from '../errors/system-error.js';
import { documentEnd, documentStart, packageDocuments, writeRepomd } from '../rpm/metadata/repository-documents.js';
import type { RepomdFile } from '../rpm/metadata/repomd.js';
import { writeAll } from './cache-files.js';
import type { ChunkDocuments } from './chunk-documents.js';
import { compress, compressionEnding, type Compression } from './compress.js';
import { createMetadataFile, type MetadataFile } from './metadata-file.js';
import type { WriteOptions, WrittenRepository } from './repository-writer.js';
import { splitIntoChunks, type PackageChunk } from './split-into-chunks.js';

export type DocumentsOf = (chunks: readonly PackageChunk[]) => AsyncIterable<ChunkDocuments>;

/** Writes the documents and, when all of them are there, `repomd.xml`. Errors: `storage-full`, and those of `documentsOf`. */
export async function writeRepodata(repodata: string, options: WriteOptions, documentsOf: DocumentsOf): Promise<WrittenRepository> {
  const written = await writeDocuments(repodata, options, documentsOf);
  try {
    return { repomdSha256: writeRepomdFile(repodata, options.revision, written), files: ['repodata/repomd.xml', ...written.map(({ href }) => href)] };
  } catch (error) {
    throw asStorageError(error, repodata);
  }
}

/** Writes the files that a `repomd.xml` is to name. Errors: `storage-full`, and those of `documentsOf`. */
export async function writeDocuments(repodata: string, options: WriteOptions, documentsOf: DocumentsOf): Promise<readonly RepomdFile[]> {
  const files: MetadataFile[] = [];
  const create = (type: string, ending: string, packed: boolean): MetadataFile => {
    const file = createMetadataFile(repodata, { type, ending, timestamp: options.revision, packed });
    files.push(file);
    return file;
  };
  try {
    const ofPackages = packageDocuments.map((document) => create(document, `${document}.xml${compressionEnding[options.compression]}`, true));
    await writePackages(ofPackages, options, documentsOf);
    await writeGiven(create, options);
    return files.map((file) => file.finish());
  } catch (error) {
    throw asStorageError(error, repodata);
  } finally {
    for (const file of files) file.discard();
  }
}

async function writePackages(files: readonly MetadataFile[], options: WriteOptions, documentsOf: DocumentsOf): Promise<void> {
  const { packages, compression, signal, onProgress } = options;
  const chunks = splitIntoChunks(options);
  for (const [index, document] of packageDocuments.entries()) await appendText(files[index] as MetadataFile, documentStart(document, packages.length), compression);
  let [next, done] = [0, 0];
  for await (const documents of documentsOf(chunks)) {
    signal?.throwIfAborted();
    for (const [index, document] of packageDocuments.entries()) files[index]?.append(documents[document]);
    done += chunks[next]?.packages.length ?? 0;
    next += 1;
    onProgress?.(done, packages.length);
  }
  for (const [index, document] of packageDocuments.entries()) await appendText(files[index] as MetadataFile, documentEnd(document), compression);
}

/** Comps twice, as createrepo_c does: clients that know no `group_gz` read `group`. */
async function writeGiven(create: (type: string, ending: string, packed: boolean) => MetadataFile, { groups, modules, compression }: WriteOptions): Promise<void> {
  if (groups !== undefined) {
    create('group', 'comps.xml', false).append({ open: groups, packed: groups });
    await appendText(create('group_gz', 'comps.xml.gz', true), groups, 'gzip');
  }
  if (modules !== undefined) await appendText(create('modules', `modules.yaml${compressionEnding[compression]}`, true), modules, compression);
}

async function appendText(file: MetadataFile, text: string | Buffer, compression: Compression): Promise<void> {
  const open = Buffer.from(text);
  file.append({ open, packed: await compress(open, compression) });
}

function writeRepomdFile(repodata: string, revision: number, files: readonly RepomdFile[]): string {
  const bytes = Buffer.from(writeRepomd({ revision: String(revision), files }));
  const temporary = path.join(repodata, '.repomd.xml');
  rmSync(temporary, { force: true });
  withDescriptor(temporary, 'wx', (descriptor) => {
    writeAll(descriptor, [bytes]);
    fdatasyncSync(descriptor);
  });
  renameSync(temporary, path.join(repodata, 'repomd.xml'));
  withDescriptor(repodata, 'r', fsyncSync);
  return createHash('sha256').update(bytes).digest('hex');
}

function withDescriptor(file: string, flags: string, work: (descriptor: number) => void): void {
  const descriptor = openSync(file, flags);
  try {
    work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
