import type { Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { lastSegment } from '../declarations/declared-url.js';
import { parseCoreMetadata } from './core-metadata.js';
import { readSdistName, sameRelease, sdistSuffixes } from './distribution-file.js';
import { judgeDistribution } from './judge-distribution.js';
import { isPythonClient } from './python-client.js';
import { readPackageInfo } from './source-archive.js';

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
    const { metadata, ...opinion } = await judgeDistribution({ request, response, body, context, release: core, noun: 'source archive', digestOf: ({ sha256 }) => sha256 });
    return { ...opinion, metadata: { ...core.metadata, ...metadata, type: 'application/x.python.sdist' } };
  },
};
