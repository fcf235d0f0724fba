import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { ArchiveLimits } from './archive-limits.js';
import { createByteSource, type ByteSource } from './byte-source.js';
import { checkLinkTarget, safeEntryPath, type LinkRoot } from './entry-path.js';
import { isZeroBlock, parseTarHeader, type TarHeader } from './tar-header.js';

export interface TarEntry {
  /** Safe and in one form, see `safeEntryPath`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly size: number;
}

/** Asked for every entry: the number of bytes that its content may have to be handed over, or undefined to pass over it. */
export type WantsContent = (entry: TarEntry) => number | undefined;

export interface TarOptions {
  /** The directory that no symbolic link may leave: the archive's first one (unless told), or the archive itself where it has no such directory. */
  readonly linkRoot?: LinkRoot;
  /** An archive without entries is refused unless told: few ecosystems have such packages. */
  readonly mayBeEmpty?: boolean;
}

const maxExtension = 1024 * 1024;

interface Extension {
  path?: string;
  linkPath?: string;
  size?: number;
}

/**
 * Reads a whole tar archive from hostile bytes and returns the content of the wanted entries by path. Own code, because the readers
 * at hand buffer pax headers of any size and pass over what follows the end mark, which other readers would unpack. Refuses: names
 * and links that lead outside, devices, sparse files, a file that comes twice, anything after the end mark, passed limits.
 */
export async function readTar(chunks: AsyncIterator<Buffer>, limits: ArchiveLimits, wants: WantsContent, options: TarOptions = {}): Promise<Map<string, Buffer>> {
  const { linkRoot = 'first-directory', mayBeEmpty = false } = options;
  const source = createByteSource(chunks);
  const contents = new Map<string, Buffer>();
  const seen = new Set<string>();
  let entries = 0;
  let nameBytes = 0;
  let extension: Extension = {};
  for (;;) {
    const block = await source.read(512);
    if (block === undefined || isZeroBlock(block)) {
      if (entries === 0 && !mayBeEmpty) throw refusal('the tar archive is empty');
      if (!(await source.onlyZerosLeft())) throw refusal('the tar archive has data after its end mark');
      return contents;
    }
    if (block.length < 512) throw refusal('the archive is truncated');
    const header = parseTarHeader(block);
    entries += 1;
    if (entries > limits.entries) throw limitExceeded(`the archive has more than ${limits.entries} entries`);
    if ('xgLK'.includes(header.typeFlag)) {
      extension = { ...extension, ...(await readExtension(source, header)) };
      continue;
    }
    const entry = toEntry(header, extension, linkRoot);
    extension = {};
    nameBytes += Buffer.byteLength(entry.path);
    if (nameBytes > limits.nameBytes) throw limitExceeded(`the names in the archive are longer than ${limits.nameBytes} bytes`);
    if (entry.type !== 'directory') {
      if (seen.has(entry.path)) throw refusal(`the archive holds ${JSON.stringify(entry.path.slice(0, 120))} twice`);
      seen.add(entry.path);
    }
    const limit = entry.type === 'file' ? wants(entry) : undefined;
    if (limit === undefined) {
      await source.skip(entry.size);
    } else {
      if (entry.size > limit) throw limitExceeded(`${JSON.stringify(entry.path.slice(0, 120))} is larger than ${limit} bytes`);
      contents.set(entry.path, await readExactly(source, entry.size));
    }
    await source.skip(padding(entry.size));
  }
}

function toEntry(header: TarHeader, extension: Extension, linkRoot: LinkRoot): TarEntry {
  const name = extension.path ?? header.name;
  const size = extension.size ?? header.size;
  const path = safeEntryPath(name);
  switch (header.typeFlag) {
    case '0':
    case '7':
      // Old archives mark a directory by the slash alone.
      return name.endsWith('/') && size === 0 ? { path, type: 'directory', size } : { path, type: 'file', size };
    case '5':
      // Readers differ on whether content follows such a header.
      if (size !== 0) throw refusal('the archive has a directory with content');
      return { path, type: 'directory', size };
    case '1':
      // A hard link names another entry from the archive's root.
      safeEntryPath(extension.linkPath ?? header.linkName);
      return { path, type: 'link', size: 0 };
    case '2':
      checkLinkTarget(path, extension.linkPath ?? header.linkName, linkRoot);
      return { path, type: 'link', size: 0 };
    default:
      throw refusal(`the archive entry ${JSON.stringify(path.slice(0, 120))} is neither a file, a directory nor a link`);
  }
}

async function readExtension(source: ByteSource, header: TarHeader): Promise<Extension> {
  if (header.size > maxExtension) throw limitExceeded(`the archive has an extended header of ${header.size} bytes`);
  const content = await readExactly(source, header.size);
  await source.skip(padding(header.size));
  if (header.typeFlag === 'L') return { path: untilNul(content) };
  if (header.typeFlag === 'K') return { linkPath: untilNul(content) };
  const records = parsePax(content);
  if (header.typeFlag === 'x') return records;
  if (Object.keys(records).length > 0) throw refusal('the archive sets a path or a size for all of its entries');
  return {};
}

/** Records of the form `<length> <key>=<value>\n`; the length counts all of it. */
function parsePax(content: Buffer): Extension {
  const extension: Extension = {};
  let offset = 0;
  while (offset < content.length && content[offset] !== 0) {
    const space = content.indexOf(0x20, offset);
    const length = space < 0 || space - offset > 8 ? Number.NaN : Number(content.toString('latin1', offset, space));
    const end = offset + length;
    if (!Number.isInteger(length) || length < space - offset + 4 || end > content.length || content[end - 1] !== 0x0a)
      throw refusal('the archive has a corrupt extended header');
    const equals = content.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw refusal('the archive has a corrupt extended header');
    const key = content.toString('utf8', space + 1, equals);
    const value = content.toString('utf8', equals + 1, end - 1);
    if (key === 'path') extension.path = value;
    else if (key === 'linkpath') extension.linkPath = value;
    else if (key === 'size') extension.size = parseDecimal(value);
    else if (key.startsWith('GNU.sparse')) throw refusal('the archive has a sparse file');
    offset = end;
  }
  return extension;
}

function parseDecimal(value: string): number {
  const size = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw refusal('the archive has an impossible size in an extended header');
  return size;
}

function untilNul(content: Buffer): string {
  const end = content.indexOf(0);
  return content.toString('utf8', 0, end < 0 ? content.length : end);
}

async function readExactly(source: ByteSource, size: number): Promise<Buffer> {
  if (size === 0) return Buffer.alloc(0);
  const content = await source.read(size);
  if (content === undefined) throw refusal('the archive is truncated');
  return content;
}

function padding(size: number): number {
  return (512 - (size % 512)) % 512;
}
