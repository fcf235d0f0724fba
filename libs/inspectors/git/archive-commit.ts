import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { decompress, sniffCompression } from '../archives/decompress.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { withZipArchive } from '../archives/zip-archive.js';
import { formatOfId } from './object-id.js';

/** A sound archive as `git archive` makes it. */
export interface GitArchive {
  /** The commit that it says to be of, in hex; undefined when it does not say. */
  readonly commit: string | undefined;
  /** The one directory that all of it is in, undefined when there is none. */
  readonly directory: string | undefined;
}

export interface ArchiveSource {
  readonly response: InspectedResponse;
  readonly context: InspectionContext;
}

/** Reads a whole gzip-compressed tar or zip archive; undefined for another format. Throws the reason when it is damaged or hostile. */
export async function readGitArchive(body: InspectedBody, source: ArchiveSource): Promise<GitArchive | undefined> {
  const start = await firstBytes(body);
  if (sniffCompression(start) === 'gzip') {
    const directories = createDirectories();
    await readGzipTar(body, source.context, ({ path }) => directories.note(path));
    return { commit: await commitOfTar(body, source.context), directory: directories.only() };
  }
  if (start.toString('latin1', 0, 2) !== 'PK') return undefined;
  const directories = createDirectories();
  await withZipArchive(body, source, async ({ files }) => {
    for (const path of files.keys()) directories.note(path);
  });
  return { commit: await commitOfZip(body, source.context), directory: directories.only() };
}

function createDirectories(): { note: (path: string) => undefined; only: () => string | undefined } {
  const tops = new Set<string>();
  return {
    note: (path) => void (tops.size < 2 && tops.add(path.includes('/') ? path.slice(0, path.indexOf('/')) : '')),
    only: () => (tops.size === 1 ? [...tops][0] : undefined) || undefined,
  };
}

async function firstBytes(body: InspectedBody): Promise<Buffer> {
  const stream = body.open();
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) return chunk.subarray(0, 64);
    throw refusal('the archive is empty');
  } finally {
    stream.destroy();
  }
}

/** The first entry is a global pax header with the record `comment=<commit>` (git-archive). */
async function commitOfTar(body: InspectedBody, context: InspectionContext): Promise<string | undefined> {
  let start: Buffer = Buffer.alloc(0);
  const options = { compression: 'gzip', packedSize: body.size, ...(context.signal === undefined ? {} : { signal: context.signal }) } as const;
  for await (const chunk of decompress(body.open(), options)) {
    start = Buffer.concat([start, chunk]);
    if (start.length >= 1024) break;
  }
  if (start[156] !== 'g'.charCodeAt(0)) return undefined;
  return idOf(/^\d+ comment=([0-9a-f]{40,64})\n/.exec(start.toString('latin1', 512, 1024))?.[1]);
}

/** The comment of the archive, which are its last bytes, is the commit. */
async function commitOfZip(body: InspectedBody, context: InspectionContext): Promise<string | undefined> {
  let end: Buffer = Buffer.alloc(0);
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    end = Buffer.concat([end, chunk]).subarray(-66);
  }
  for (const length of [40, 64]) if (end.length >= length + 2 && end.readUInt16LE(end.length - length - 2) === length) return idOf(end.toString('latin1', end.length - length));
  return undefined;
}

function idOf(text: string | undefined): string | undefined {
  return text === undefined || formatOfId(text) === undefined ? undefined : text;
}
