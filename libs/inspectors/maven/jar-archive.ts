import { crc32 } from 'node:zlib';
import { fromBufferPromise, openPromise, type Entry, type Options, type ZipFile } from 'yauzl';
import { isMillraceError } from '../../errors/millrace-error.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits, type ArchiveLimits } from '../archives/archive-limits.js';
import { safeEntryPath } from '../archives/entry-path.js';
import type { FileExchange } from './file-exchange.js';

/** What was seen of a JAR whose every entry is sound. */
export interface JarContents {
  readonly files: number;
  /** Files under a name that another has as well: Gradle's jar task writes such archives unless told otherwise. */
  readonly duplicates: number;
}

/** A JAR that is sent with a content coding must be unpacked into memory to be read at random. */
const codedLimit = 256 * 1024 * 1024;
const zipOptions: Options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true };

/**
 * Reads every entry of a JAR (or another archive that Java's tools write) and compares size and CRC-32. Refuses names that lead outside,
 * encryption, unknown compression, entries whose two headers differ, and passed limits. Unlike archives that are unpacked, it may have two
 * files of a name, and modes that mean nothing: Plexus wrote -1 for years. Java looks at neither.
 */
export async function checkJar({ body, response, context }: Omit<FileExchange, 'request'>, limits: ArchiveLimits = archiveLimits): Promise<JarContents> {
  let zip: ZipFile | undefined;
  try {
    const coding = response.header('content-encoding')?.trim() ?? '';
    const plain = coding === '' || coding === 'identity';
    zip = body.file !== undefined && plain ? await openPromise(body.file, zipOptions) : await fromBufferPromise(await body.read(codedLimit), zipOptions);
    return await checkEntries(zip, { limits, packedSize: body.size, signal: context.signal });
  } catch (error) {
    if (isMillraceError(error)) throw error;
    context.signal?.throwIfAborted();
    throw refusal(`the archive is not a sound zip file: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    zip?.close();
  }
}

interface CheckOptions {
  readonly limits: ArchiveLimits;
  readonly packedSize: number;
  readonly signal: AbortSignal | undefined;
}

async function checkEntries(zip: ZipFile, options: CheckOptions): Promise<JarContents> {
  const { limits, packedSize, signal } = options;
  const names = new Set<string>();
  const result = { files: 0, duplicates: 0 };
  let nameBytes = 0;
  let unpacked = 0;
  if (zip.entryCount > limits.entries) throw limitExceeded(`the archive has more than ${limits.entries} entries`);
  for await (const entry of zip.eachEntry()) {
    signal?.throwIfAborted();
    nameBytes += entry.fileNameLength;
    unpacked += entry.uncompressedSize;
    if (nameBytes > limits.nameBytes) throw limitExceeded(`the names in the archive are longer than ${limits.nameBytes} bytes`);
    if (unpacked > limits.unpackedBytes) throw limitExceeded(`the archive unpacks to more than ${limits.unpackedBytes} bytes`);
    if (unpacked > limits.ratioFrom && unpacked > packedSize * limits.ratio) throw limitExceeded(`the archive unpacks to more than ${limits.ratio} times its size`);
    const name = entry.fileNameRaw.toString((entry.generalPurposeBitFlag & 0x800) === 0 ? 'latin1' : 'utf8');
    const path = safeEntryPath(name);
    await checkEntry(zip, entry, { path, signal });
    if (name.endsWith('/')) continue;
    result.files += 1;
    if (names.has(path)) result.duplicates += 1;
    names.add(path);
  }
  return result;
}

async function checkEntry(zip: ZipFile, entry: Entry, { path, signal }: { readonly path: string; readonly signal: AbortSignal | undefined }): Promise<void> {
  const shown = JSON.stringify(path.slice(0, 120));
  if (entry.isEncrypted()) throw refusal(`the archive entry ${shown} is encrypted`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) throw refusal(`the archive entry ${shown} has the unsupported compression method ${entry.compressionMethod}`);
  const local = await zip.readLocalFileHeaderPromise(entry);
  if (!local.fileName.equals(entry.fileNameRaw) || local.compressionMethod !== entry.compressionMethod)
    throw refusal(`the archive describes the entry ${shown} differently in its two directories`);
  let sum = 0;
  const stream = await zip.openReadStreamPromise(entry);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      sum = crc32(chunk, sum);
    }
  } finally {
    stream.destroy();
  }
  if (sum !== entry.crc32) throw refusal(`the archive entry ${shown} is damaged: its CRC-32 is not the one in the archive's directory`);
}
