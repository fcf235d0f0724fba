import { Readable } from 'node:stream';
import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { ArtefactMetadata } from '../../inspection/inspection.js';
import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress, type Compression } from '../archives/decompress.js';
import { readTar } from '../archives/tar-reader.js';
import { withZipArchive, type ZipArchive } from '../archives/zip-archive.js';
import { spdxLicense } from '../documents/spdx-license.js';

/** What a conda package says that it is. */
export interface CondaPackage {
  readonly name: string;
  readonly version: string;
  readonly build: string;
  /** `noarch`, `linux-64` …; empty in packages of the first years. */
  readonly subdir: string;
  readonly metadata: Partial<ArtefactMetadata>;
}

const infoLimit = 4 * 1024 * 1024;
const part = /^[A-Za-z0-9_.!+-]{1,128}$/;

/** Reads a `.conda` (a zip of two zstd tars) to its end. Throws a reason for what is not sound. */
export async function readConda(body: InspectedBody, response: InspectedResponse, context: InspectionContext): Promise<CondaPackage> {
  return withZipArchive(body, { response, context }, async (archive) => {
    const names = [...archive.files.keys()];
    const format = names.includes('metadata.json') ? parseBoundedJson(await archive.read('metadata.json', infoLimit)) : undefined;
    if (!isRecord(format) || own(format, 'conda_pkg_format_version') !== 2) throw refusal('the package is not of version 2 of the format');
    const info = onlyOne(names, /^info-[^/]+\.tar\.zst$/);
    const contents = await readTarOf(archive, info, context);
    await readTarOf(archive, onlyOne(names, /^pkg-[^/]+\.tar\.zst$/), context);
    return readInfo(contents);
  });
}

/** Reads a `.tar.bz2` to its end. Throws a reason for what is not sound. */
export async function readTarBz2(body: InspectedBody, context: InspectionContext): Promise<CondaPackage> {
  return readInfo(await readCompressedTar(body.open(), { compression: 'bzip2', packedSize: body.size, context }));
}

function onlyOne(names: readonly string[], pattern: RegExp): string {
  const [found, second] = names.filter((name) => pattern.test(name));
  if (found === undefined || second !== undefined) throw refusal('the package has not exactly one archive of information and one of files');
  return found;
}

function readTarOf(archive: ZipArchive, name: string, context: InspectionContext): Promise<Map<string, Buffer>> {
  const source = Readable.from(archive.content(name), { objectMode: false });
  return readCompressedTar(source, { compression: 'zstd', packedSize: archive.files.get(name) ?? 0, context });
}

async function readCompressedTar(source: Readable, options: { compression: Compression; packedSize: number; context: InspectionContext }): Promise<Map<string, Buffer>> {
  const { compression, packedSize, context } = options;
  const unpacked = decompress(source, { compression, packedSize, ...(context.signal === undefined ? {} : { signal: context.signal }) });
  const wanted = new Set(['info/index.json', 'info/about.json']);
  return readTar(unpacked, archiveLimits, ({ path }) => (wanted.has(path) ? infoLimit : undefined), { linkRoot: 'archive', mayBeEmpty: true });
}

function readInfo(contents: ReadonlyMap<string, Buffer>): CondaPackage {
  const bytes = contents.get('info/index.json');
  const index = bytes === undefined ? undefined : parseBoundedJson(bytes);
  if (!isRecord(index)) throw refusal('the package has no info/index.json that is a JSON object');
  const [name, version, build] = ['name', 'version', 'build'].map((key) => text(own(index, key))) as [string, string, string];
  if (![name, version, build].every((value) => part.test(value))) throw refusal('the info/index.json of the package has no valid name, version and build');
  const aboutBytes = contents.get('info/about.json');
  const about = aboutBytes === undefined ? {} : parseBoundedJson(aboutBytes);
  const fields = isRecord(about) ? about : {};
  const subdir = text(own(index, 'subdir'));
  return {
    name,
    version,
    build,
    subdir,
    metadata: {
      license: spdxLicense(text(own(index, 'license')) || text(own(fields, 'license'))),
      description: text(own(fields, 'summary')) || text(own(fields, 'description')),
      vendor: text(own(fields, 'home')),
      architecture: subdir,
    },
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
