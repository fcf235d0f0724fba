import type { Readable } from 'node:stream';
import { fromBufferPromise, openPromise, type Entry, type Options, type ZipFile } from 'yauzl';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits, type ArchiveLimits } from './archive-limits.js';
import { safeEntryPath } from './entry-path.js';

/** A zip archive whose directory was read and checked. */
export interface ZipArchive {
  /** Unpacked size of every file by its safe path, in the order of the archive; directories are left out. */
  readonly files: ReadonlyMap<string, number>;
  /** The unpacked content of a file; throws for a damaged one. */
  content(path: string): AsyncGenerator<Buffer>;
  /** All of a file's content; throws when it is more than `limit`. */
  read(path: string, limit: number): Promise<Buffer>;
}

/** A zip that is sent with a content coding must be unpacked into memory to be read at random; no registry known does that. */
const codedLimit = 256 * 1024 * 1024;
// The names stay bytes: the library would otherwise take them from an extra field that other readers pass over.
const zipOptions: Options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true };
const unicodePathField = 0x7075;

/**
 * Opens a body as a zip archive, hands it to `use` and closes it. Refuses names that lead outside, links, encryption, a file that comes
 * twice, entries that overlap or whose local header has another name (readers differ on which counts), and passed limits.
 */
export async function withZipArchive<Result>(
  body: InspectedBody,
  options: { response: InspectedResponse; context: InspectionContext; limits?: ArchiveLimits },
  use: (archive: ZipArchive) => Promise<Result>,
): Promise<Result> {
  const limits = options.limits ?? archiveLimits;
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(body, options.response);
    const entries = await readDirectory(zip, { packedSize: body.size, limits, context: options.context });
    return await use(createArchive(zip, entries, options.context));
  } catch (error) {
    if (isMillraceError(error)) throw error;
    options.context.signal?.throwIfAborted();
    throw refusal(`the archive is not a sound zip file: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    zip?.close();
  }
}

async function openZip(body: InspectedBody, response: InspectedResponse): Promise<ZipFile> {
  const coding = response.header('content-encoding')?.trim() ?? '';
  if (body.file !== undefined && (coding === '' || coding === 'identity')) return openPromise(body.file, zipOptions);
  return fromBufferPromise(await body.read(codedLimit), zipOptions);
}

async function readDirectory(zip: ZipFile, options: { packedSize: number; limits: ArchiveLimits; context: InspectionContext }): Promise<Map<string, Entry>> {
  const { limits } = options;
  if (zip.entryCount > limits.entries) throw limitExceeded(`the archive has more than ${limits.entries} entries`);
  const files = new Map<string, Entry>();
  const all: Entry[] = [];
  let nameBytes = 0;
  let unpacked = 0;
  for await (const entry of zip.eachEntry()) {
    options.context.signal?.throwIfAborted();
    const name = entryName(entry);
    nameBytes += entry.fileNameLength;
    unpacked += entry.uncompressedSize;
    if (nameBytes > limits.nameBytes) throw limitExceeded(`the names in the archive are longer than ${limits.nameBytes} bytes`);
    if (unpacked > limits.unpackedBytes) throw limitExceeded(`the archive unpacks to more than ${limits.unpackedBytes} bytes`);
    if (unpacked > limits.ratioFrom && unpacked > options.packedSize * limits.ratio)
      throw limitExceeded(`the archive unpacks to more than ${limits.ratio} times its size`);
    const path = safeEntryPath(name);
    checkKind(entry, path);
    all.push(entry);
    if (name.endsWith('/')) continue;
    if (files.has(path)) throw refusal(`the archive holds ${JSON.stringify(path.slice(0, 120))} twice`);
    files.set(path, entry);
  }
  await checkLocalHeaders(zip, all, options.context);
  return files;
}

function entryName(entry: Entry): string {
  const raw = entry.fileNameRaw;
  if (entry.extraFields.some((field) => field.id === unicodePathField)) throw refusal('the archive gives an entry a second name');
  if ((entry.generalPurposeBitFlag & 0x800) === 0) return raw.toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch (cause) {
    throw refusal('the archive has a name that is not valid UTF-8', cause);
  }
}

function checkKind(entry: Entry, path: string): void {
  const shown = JSON.stringify(path.slice(0, 120));
  if (entry.isEncrypted()) throw refusal(`the archive entry ${shown} is encrypted`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    throw refusal(`the archive entry ${shown} has the unsupported compression method ${entry.compressionMethod}`);
  const madeByUnix = entry.versionMadeBy >>> 8 === 3;
  const kind = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (madeByUnix && kind !== 0 && kind !== 0o100000 && kind !== 0o040000) throw refusal(`the archive entry ${shown} is neither a file nor a directory`);
}

async function checkLocalHeaders(zip: ZipFile, entries: readonly Entry[], context: InspectionContext): Promise<void> {
  const ordered = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const entry of ordered) {
    context.signal?.throwIfAborted();
    if (entry.relativeOffsetOfLocalHeader < end) throw refusal('the archive has entries that overlap');
    const local = await zip.readLocalFileHeaderPromise(entry);
    if (!local.fileName.equals(entry.fileNameRaw)) throw refusal('the archive names an entry differently in its two directories');
    if (local.compressionMethod !== entry.compressionMethod) throw refusal('the archive describes an entry differently in its two directories');
    end = local.fileDataStart + entry.compressedSize;
  }
}

function createArchive(zip: ZipFile, entries: ReadonlyMap<string, Entry>, context: InspectionContext): ZipArchive {
  async function* content(path: string): AsyncGenerator<Buffer> {
    const entry = entries.get(path);
    if (entry === undefined) throw refusal(`the archive has no ${JSON.stringify(path.slice(0, 120))}`);
    const stream: Readable = await zip.openReadStreamPromise(entry);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        context.signal?.throwIfAborted();
        yield chunk;
      }
    } finally {
      stream.destroy();
    }
  }

  async function read(path: string, limit: number): Promise<Buffer> {
    const size = entries.get(path)?.uncompressedSize ?? 0;
    if (size > limit) throw limitExceeded(`${JSON.stringify(path.slice(0, 120))} is larger than ${limit} bytes`);
    const chunks: Buffer[] = [];
    for await (const chunk of content(path)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  return { files: new Map([...entries].map(([path, entry]) => [path, entry.uncompressedSize])), content, read };
}
