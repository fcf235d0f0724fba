import { Readable } from 'node:stream';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits, type ArchiveLimits } from '../archives/archive-limits.js';
import { decompress } from '../archives/decompress.js';
import { readTar } from '../archives/tar-reader.js';
import { readAr, type ArMember } from './ar-reader.js';
import { readOneParagraph, type Paragraph } from '../../deb/control-file.js';
import { readCopyrightFile, type CopyrightFile } from './copyright-file.js';
import { readDataArchive } from './data-archive.js';
import { compressionOf } from './read-index.js';

/** A `.deb` that was read. */
export interface BinaryPackage {
  /** Fields of its control file. */
  readonly control: Paragraph;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly copyright: CopyrightFile;
  /** Entries of data.tar; undefined: too large to be unpacked within the time of an inspection. */
  readonly entries: number | undefined;
}

const maxControl = 32 * 1024 * 1024;
const controlFileLimit = 4 * 1024 * 1024;
/** Packed bytes up to which data.tar is unpacked: some ten seconds of xz. The digest, not this, is what a package is believed for. */
const dataLimit = 64 * 1024 * 1024;
const member = /^(control|data)\.tar(?:\.(?:gz|xz|zst|bz2|lzma))?$/;

/** Reads a whole Debian package, https://manpages.debian.org/deb.5. Throws a reason for whatever is malformed, hostile or beyond the limits. */
export async function readBinaryPackage(body: InspectedBody, context: InspectionContext, limits: ArchiveLimits = archiveLimits): Promise<BinaryPackage> {
  const raw = body.open({ raw: true });
  const options = { context, limits };
  let format = false;
  let control: ReadControl | undefined;
  let data: ReadData | undefined;
  try {
    for await (const part of readAr(raw[Symbol.asyncIterator]() as AsyncIterator<Buffer>)) {
      context.signal?.throwIfAborted();
      const kind = member.exec(part.name)?.[1];
      if (!format) {
        await checkFormat(part);
        format = true;
      } else if (kind === 'control' && control === undefined) control = await readControl(part, options);
      else if (kind === 'data' && control !== undefined && data === undefined) data = await readData(part, { ...options, name: control.name });
      // deb(5): names with an underscore may be passed over, all others may not. The one of debsigs comes last.
      else if (!part.name.startsWith('_')) throw refusal(`the Debian package has the member ${JSON.stringify(part.name)} where none may be`);
    }
  } finally {
    raw.destroy();
  }
  if (control === undefined || data === undefined) throw refusal('the Debian package has no control.tar or no data.tar');
  return { ...control, ...data };
}

async function checkFormat(part: ArMember): Promise<void> {
  if (part.name !== 'debian-binary' || part.size > 64) throw refusal('the Debian package does not begin with debian-binary');
  const text = (await readAll(part.content(), 64)).toString('latin1');
  if (!/^2\.\d{1,3}\n/.test(text)) throw refusal('the Debian package is not of format 2');
}

interface ReadOptions {
  readonly context: InspectionContext;
  readonly limits: ArchiveLimits;
}

type ReadControl = Pick<BinaryPackage, 'control' | 'name' | 'version' | 'architecture'>;
type ReadData = Pick<BinaryPackage, 'copyright' | 'entries'>;

async function readControl(part: ArMember, { context, limits }: ReadOptions): Promise<ReadControl> {
  if (part.size > maxControl) throw limitExceeded(`control.tar is larger than ${maxControl} bytes`);
  const unpacked = unpack(part, { context, limits: { ...limits, unpackedBytes: Math.min(limits.unpackedBytes, 8 * maxControl) } });
  const contents = await readTar(unpacked, limits, ({ path }) => (path === 'control' ? controlFileLimit : undefined));
  const bytes = contents.get('control');
  if (bytes === undefined) throw refusal('control.tar has no control file');
  const control = await readOneParagraph(bytes);
  const [name, version, architecture] = ['package', 'version', 'architecture'].map((field) => control.get(field) ?? '');
  if (name === undefined || !/^[a-z0-9][a-z0-9+.-]{0,254}$/i.test(name)) throw refusal('the control file has no valid Package');
  if (version === undefined || !/^[0-9A-Za-z.+:~_-]{1,255}$/.test(version)) throw refusal('the control file has no valid Version');
  if (architecture === undefined || !/^[a-z0-9-]{1,64}$/.test(architecture)) throw refusal('the control file has no valid Architecture');
  return { control, name, version, architecture };
}

async function readData(part: ArMember, options: ReadOptions & { readonly name: string }): Promise<ReadData> {
  if (part.size > dataLimit) return { copyright: { license: '', copyright: '' }, entries: undefined };
  const { entries, wanted } = await readDataArchive(unpack(part, options), options.limits, `usr/share/doc/${options.name}/copyright`);
  return { copyright: wanted === undefined ? { license: '', copyright: '' } : await readCopyrightFile(wanted), entries };
}

function unpack(part: ArMember, { context, limits }: ReadOptions): AsyncGenerator<Buffer, void> {
  const packed = Readable.from(part.content(), { objectMode: false });
  return decompress(packed, { compression: compressionOf(part.name), packedSize: part.size, limits, ...(context.signal === undefined ? {} : { signal: context.signal }) });
}

async function readAll(chunks: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw limitExceeded(`the file is larger than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
