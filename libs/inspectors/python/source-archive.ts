import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress, type Compression } from '../archives/decompress.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { readTar, type WantsContent } from '../archives/tar-reader.js';
import { withZipArchive } from '../archives/zip-archive.js';
import { coreMetadataLimit } from './core-metadata.js';

interface Subject {
  readonly body: InspectedBody;
  readonly response: InspectedResponse;
  readonly context: InspectionContext;
}

const rootPackageInfo = /^[^/]+\/PKG-INFO$/;
const wantsPackageInfo: WantsContent = ({ path }) => (rootPackageInfo.test(path) ? coreMetadataLimit : undefined);

/** PKG-INFO in the one directory at the root of a source archive, which is packed as its name says. Throws the reason when there is none or two. */
export async function readPackageInfo(fileName: string, subject: Subject): Promise<Buffer> {
  const [content, second] = await readAll(fileName, subject);
  if (content === undefined) throw refusal('the source archive has no PKG-INFO in its first directory');
  if (second !== undefined) throw refusal('the source archive has more than one directory with a PKG-INFO');
  return content;
}

async function readAll(fileName: string, subject: Subject): Promise<readonly Buffer[]> {
  if (fileName.endsWith('.zip')) return readFromZip(subject);
  if (fileName.endsWith('.bz2')) return readFromTar('bzip2', subject);
  if (fileName.endsWith('.xz')) return readFromTar('xz', subject);
  return [...(await readGzipTar(subject.body, subject.context, wantsPackageInfo)).values()];
}

async function readFromTar(compression: Compression, { body, context }: Subject): Promise<readonly Buffer[]> {
  const unpacked = decompress(body.open(), { compression, packedSize: body.size, ...(context.signal === undefined ? {} : { signal: context.signal }) });
  try {
    return [...(await readTar(unpacked, archiveLimits, wantsPackageInfo)).values()];
  } finally {
    // Ends the decoder when the archive was refused before its end.
    await unpacked.return();
  }
}

async function readFromZip({ body, response, context }: Subject): Promise<readonly Buffer[]> {
  return withZipArchive(body, { response, context }, async (archive) => {
    const paths = [...archive.files.keys()].filter((path) => rootPackageInfo.test(path)).slice(0, 2);
    return Promise.all(paths.map((path) => archive.read(path, coreMetadataLimit)));
  });
}
