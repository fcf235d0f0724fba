import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { ArchiveLimits } from '../archives/archive-limits.js';
import { createByteSource, type ByteSource } from '../archives/byte-source.js';
import { isZeroBlock, parseTarHeader, type TarHeader } from '../archives/tar-header.js';

/** Longest path, and longest content that is handed over, in bytes. */
const maxPath = 4096;
const wantedLimit = 1024 * 1024;

export interface DataArchive {
  readonly entries: number;
  /** Content of the wanted file; undefined when it is not there, no file, or larger than 1 MiB. */
  readonly wanted: Buffer | undefined;
}

/**
 * Reads the `data.tar` of a Debian package to its end. Not `readTar`: packages hold what that refuses for good reasons elsewhere, such as links with
 * absolute targets, names with a backslash and devices; dpkg unpacks them as root at the root. What stays refused is a name that leads outside, and
 * whatever dpkg does not take itself (https://manpages.debian.org/deb.5: v7, ustar and GNU long names).
 */
export async function readDataArchive(chunks: AsyncIterator<Buffer>, limits: ArchiveLimits, wanted: string): Promise<DataArchive> {
  const source = createByteSource(chunks);
  let content: Buffer | undefined;
  let long: { name?: string; link?: string } = {};
  let entries = 0;
  for (let headers = 0; ; headers += 1) {
    const block = await source.read(512);
    if (block === undefined || isZeroBlock(block)) {
      if (!(await source.onlyZerosLeft())) throw refusal('data.tar has data after its end mark');
      return { entries, wanted: content };
    }
    if (block.length < 512) throw refusal('data.tar is truncated');
    if (headers > 2 * limits.entries) throw limitExceeded(`data.tar has more than ${limits.entries} entries`);
    const header = parseTarHeader(block);
    if (header.typeFlag === 'L' || header.typeFlag === 'K') {
      const text = await readLongName(source, header);
      long = header.typeFlag === 'L' ? { ...long, name: text } : { ...long, link: text };
      continue;
    }
    const path = checkEntry({ ...header, name: long.name ?? header.name, linkName: long.link ?? header.linkName });
    long = {};
    entries += 1;
    if (path === wanted && isFile(header) && header.size <= wantedLimit) content = await source.read(header.size);
    else await source.skip(header.size);
    await source.skip(padding(header.size));
  }
}

function isFile({ typeFlag }: TarHeader): boolean {
  return typeFlag === '0' || typeFlag === '7';
}

/** The path of the entry without `./`. */
function checkEntry(header: TarHeader): string {
  const shown = JSON.stringify(header.name.slice(0, 120));
  if (!isFile(header) && !'123456'.includes(header.typeFlag)) throw refusal(`the entry ${shown} of data.tar is of a kind that dpkg does not take`);
  if (!isFile(header) && header.size > 0) throw refusal(`the entry ${shown} of data.tar is no file, but has content`);
  const path = safePath(header.name, shown);
  // A hard link names another entry of the same archive; where a symbolic link points to is the package's own affair.
  if (header.typeFlag === '1') safePath(header.linkName, shown);
  return path;
}

function safePath(name: string, shown: string): string {
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (name === '' || name.length > maxPath || name.startsWith('/') || name.includes('\0') || segments.includes('..'))
    throw refusal(`the entry ${shown} of data.tar has a name that leads outside, or none`);
  return segments.join('/');
}

async function readLongName(source: ByteSource, { size }: TarHeader): Promise<string> {
  if (size === 0 || size > maxPath + 1) throw limitExceeded(`data.tar has a name of ${size} bytes`);
  const content = await source.read(size);
  if (content === undefined) throw refusal('data.tar is truncated');
  await source.skip(padding(size));
  const end = content.indexOf(0);
  return content.toString('utf8', 0, end < 0 ? size : end);
}

function padding(size: number): number {
  return (512 - (size % 512)) % 512;
}
