import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress, type Compression } from '../archives/decompress.js';
import { readParagraphs, type Paragraph } from '../../deb/control-file.js';
import { createFileCollector, type DeclaredFile, type FileCollector } from './known-files.js';
import { readDigestList } from '../../deb/release-file.js';
import { safeFileName } from '../../deb/file-name.js';
import { directoryOf } from './repository-path.js';

/** The indexes of large archives have some 60 MB unpacked, a list of all sources 50 MB. */
const unpackedLimit = 1024 ** 3;

const compressions: Readonly<Record<string, Compression>> = { gz: 'gzip', xz: 'xz', zst: 'zstd', bz2: 'bzip2', lzma: 'lzma' };

/** What a compression suffix stands for; `none` without one. */
export function compressionOf(name: string): Compression {
  return compressions[name.slice(name.lastIndexOf('.') + 1)] ?? 'none';
}

export interface IndexSource {
  readonly body: InspectedBody;
  readonly context: InspectionContext;
  /** Path below the release's directory; its suffix tells the compression. */
  readonly name: string;
}

const packageFields: ReadonlySet<string> = new Set(['package', 'version', 'filename', 'size', 'sha256', 'sha512']);
const sourceFields: ReadonlySet<string> = new Set(['package', 'version', 'directory', 'checksums-sha256', 'checksums-sha512']);
const diffFields: ReadonlySet<string> = new Set(['sha256-download', 'sha256-patches']);

/** The packages of a `Packages` index, https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices */
export async function readPackages(source: IndexSource): Promise<FileCollector> {
  return collect(source, packageFields, (paragraph) => {
    const digest = paragraph.get('sha256') ?? paragraph.get('sha512') ?? '';
    // Without a digest that is believed there is nothing to compare with: the file stays unknown.
    if (digest === '') return [];
    const [file] = readDigestList(`${digest} ${required(paragraph, 'size')} ${safeFileName(required(paragraph, 'filename'))}`, digest.length === 64 ? 64 : 128);
    if (file === undefined) return [];
    return [{ path: file.name, size: file.size, digest: file.digest, ...identity(paragraph) }];
  });
}

/** The files of a `Sources` index. */
export async function readSources(source: IndexSource): Promise<FileCollector> {
  return collect(source, sourceFields, (paragraph) => {
    const directory = (paragraph.get('directory') ?? '').replace(/^\.$/, '').replace(/\/*$/, '');
    return sourceFiles(paragraph).map((file) => ({ ...file, path: directory === '' ? file.path : safeFileName(`${directory}/${file.path}`) }));
  });
}

/** Files of one source package, of `Sources` or of a `.dsc`; paths without a directory. */
export function sourceFiles(paragraph: Paragraph): readonly DeclaredFile[] {
  const list = paragraph.get('checksums-sha256');
  const files = list === undefined ? readDigestList(paragraph.get('checksums-sha512') ?? '', 128) : readDigestList(list, 64);
  const { version } = identity(paragraph);
  const name = paragraph.get('package') ?? paragraph.get('source') ?? '';
  return files.map((file) => ({ path: file.name, size: file.size, digest: file.digest, name, version }));
}

/** The patches that the `Index` of a directory of diffs declares, each by its name and by its hash. */
export async function readDiffIndex(source: IndexSource): Promise<FileCollector> {
  const directory = directoryOf(source.name);
  return collect(source, diffFields, (paragraph) =>
    [...paragraph.values()].flatMap((list) =>
      readDigestList(list, 64).flatMap(({ name, size, digest }) =>
        [name, `by-hash/SHA256/${digest}`].map((path) => ({ path: directory + path, size, digest, name: '', version: '' })),
      ),
    ),
  );
}

async function collect(source: IndexSource, wanted: ReadonlySet<string>, filesOf: (paragraph: Paragraph) => readonly DeclaredFile[]): Promise<FileCollector> {
  const { body, context, name } = source;
  const files = createFileCollector();
  const unpacked = decompress(body.open({ raw: true }), {
    compression: compressionOf(name),
    packedSize: body.size,
    limits: { ...archiveLimits, unpackedBytes: unpackedLimit },
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  for await (const paragraph of readParagraphs(unpacked, { wanted, signal: context.signal })) for (const file of filesOf(paragraph)) files.add(file);
  return files;
}

function identity(paragraph: Paragraph): { name: string; version: string } {
  return { name: oneLine(paragraph.get('package') ?? ''), version: oneLine(paragraph.get('version') ?? '') };
}

function oneLine(text: string): string {
  return text.slice(0, 256).replaceAll(/[\t\n]/g, ' ');
}

function required(paragraph: Paragraph, field: string): string {
  const value = paragraph.get(field);
  if (value === undefined || value === '') throw refusal(`a package of the index (${oneLine(paragraph.get('package') ?? 'without a name')}) has no ${field}`);
  return value;
}
