import { Readable } from 'node:stream';
import { findPackageMembers, type PackageMember } from '../../deb/package-members.js';
import { paragraphLimit, readPackageParagraph, type PackageParagraph } from '../../deb/package-paragraph.js';
import { packageFileName } from '../../deb/pool-path.js';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits, type ArchiveLimits } from '../../inspectors/archives/archive-limits.js';
import { decompress, sniffCompression } from '../../inspectors/archives/decompress.js';
import { isZeroBlock, parseTarHeader } from '../../inspectors/archives/tar-header.js';
import { readTar } from '../../inspectors/archives/tar-reader.js';
import { compressionOfName } from './compression-of-name.js';
import type { InspectedPackage, InspectionOptions, PackageBytes } from '../package-format.js';
import { debSettingsOf } from './deb-settings.js';

/** Bytes of control.tar as it lies in the package. The largest honest ones, with the checksums of 100,000 files, have some 5 MiB. */
const packedLimit = 32 * 1024 * 1024;
const controlLimits: ArchiveLimits = { ...archiveLimits, entries: 10_000, nameBytes: 1024 * 1024, unpackedBytes: 128 * 1024 * 1024, ratioFrom: 16 * 1024 * 1024 };
const pieceBytes = 1024 * 1024;
/** Of a file in most file systems, with room for what a store sets before it. */
const longestFileName = 240;

/** Reads a Debian package by its headers and its control.tar, in many small pieces that mostly lie side by side; data.tar is only looked at. Errors: `package-invalid`. */
export async function inspectDeb(bytes: PackageBytes, options: InspectionOptions): Promise<InspectedPackage> {
  const { architectures } = debSettingsOf(options.settings);
  const { name, version, architecture, text } = await readParagraphOf(bytes, options.signal).catch((error: unknown) => {
    throw asPackageInvalid(error);
  });
  if (architecture !== 'all' && !architectures.includes(architecture))
    throw new MillraceError('package-invalid', `the package ${name} is for ${architecture}, which is none of the repository's architectures: ${architectures.join(', ')}`);
  const key = packageFileName({ name, version, architecture });
  if (key.length > longestFileName) throw new MillraceError('package-invalid', `the name of the package's file would have ${key.length} characters, more than ${longestFileName}`);
  return { key, name, version, architecture, metadata: text };
}

async function readParagraphOf(bytes: PackageBytes, signal: AbortSignal | undefined): Promise<PackageParagraph> {
  const { control, data } = await findPackageMembers(bytes);
  await checkData(bytes, data);
  if (control.size > packedLimit) throw limitExceeded(`control.tar is larger than ${packedLimit} bytes`);
  const packed = Readable.from(piecesOf(bytes, control), { objectMode: false });
  const unpacked = decompress(packed, { compression: compressionOfName(control.name), packedSize: control.size, limits: controlLimits, ...(signal === undefined ? {} : { signal }) });
  const contents = await readTar(unpacked, controlLimits, ({ path }) => (path === 'control' ? paragraphLimit : undefined));
  const file = contents.get('control');
  if (file === undefined) throw refusal('control.tar has no control file');
  return readPackageParagraph(file);
}

/** It is not unpacked: dpkg does that, and nothing of it stands in an index. But what is no tar at all, or of another compression than its name says, no dpkg could. */
async function checkData(bytes: PackageBytes, data: PackageMember): Promise<void> {
  const head = await bytes.read(data.offset, Math.min(512, data.size));
  const expected = compressionOfName(data.name);
  if (sniffCompression(head) !== expected) throw refusal(`${data.name} is no ${expected === 'none' ? 'tar archive' : `${expected} data`}`);
  if (expected !== 'none') return;
  if (head.length < 512) throw refusal('data.tar is truncated');
  if (!isZeroBlock(head)) parseTarHeader(head);
}

async function* piecesOf(bytes: PackageBytes, { offset, size }: PackageMember): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < size; at += pieceBytes) yield await bytes.read(offset + at, Math.min(pieceBytes, size - at));
}

/** What a parser refuses is the package's fault; what a store does not give is not. */
function asPackageInvalid(error: unknown): unknown {
  const refused = isMillraceError(error) && (error.code === 'invalid-request' || error.code === 'payload-too-large');
  return refused ? new MillraceError('package-invalid', error.message, { cause: error }) : error;
}
