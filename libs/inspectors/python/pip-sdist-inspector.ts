import type { InspectedBody, InspectedResponse, InspectionContext, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { withZipArchive } from '../archives/zip-archive.js';
import { lastSegment } from '../declarations/declared-url.js';
import { coreMetadataLimit, parseCoreMetadata } from './core-metadata.js';
import { readSdistName, sameRelease, sdistSuffixes } from './distribution-file.js';
import { judgeDistribution } from './judge-distribution.js';
import { isPythonClient } from './python-client.js';

const rootPackageInfo = /^[^/]+\/PKG-INFO$/;

/** Source archives, see docs/reference/inspectors/python.md. */
export const pipSdistInspector: Inspector = {
  id: 'pip.sdist',
  inspectRequest: (request) => {
    if (request.method !== 'GET' || !sdistSuffixes.some((suffix) => request.path.endsWith(suffix)) || !isPythonClient(request)) return undefined;
    return { opinion: 'Pending', reason: 'valid URL for a Python source archive' };
  },
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const fileName = lastSegment(request.path) ?? '';
    const readings = readSdistName(fileName);
    if (readings.length === 0) throw refusal('the file name is not that of a source archive (name-version.tar.gz)');
    const core = parseCoreMetadata(await readPackageInfo(fileName, { body, response, context }));
    if (!readings.some((reading) => sameRelease(core, reading)))
      throw refusal(`the source archive holds ${core.name} ${core.version}, which its file name does not say`);
    const opinion = await judgeDistribution({ request, response, body, context, noun: 'source archive', digestOf: ({ sha256 }) => sha256 });
    return { ...opinion, metadata: { ...core.metadata, type: 'application/x.python.sdist' } };
  },
};

/** PKG-INFO in the one directory at the root. */
async function readPackageInfo(fileName: string, subject: { body: InspectedBody; response: InspectedResponse; context: InspectionContext }): Promise<Buffer> {
  const contents = fileName.endsWith('.zip') ? await readFromZip(subject) : await readFromTar(subject);
  const [content, second] = contents;
  if (content === undefined) throw refusal('the source archive has no PKG-INFO in its first directory');
  if (second !== undefined) throw refusal('the source archive has more than one directory with a PKG-INFO');
  return content;
}

async function readFromTar({ body, context }: { body: InspectedBody; context: InspectionContext }): Promise<Buffer[]> {
  const contents = await readGzipTar(body, context, ({ path }) => (rootPackageInfo.test(path) ? coreMetadataLimit : undefined));
  return [...contents.values()];
}

async function readFromZip({ body, response, context }: { body: InspectedBody; response: InspectedResponse; context: InspectionContext }): Promise<Buffer[]> {
  return withZipArchive(body, { response, context }, async (archive) => {
    const paths = [...archive.files.keys()].filter((path) => rootPackageInfo.test(path)).slice(0, 2);
    return Promise.all(paths.map((path) => archive.read(path, coreMetadataLimit)));
  });
}
