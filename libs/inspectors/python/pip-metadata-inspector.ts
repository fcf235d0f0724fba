import type { Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { lastSegment } from '../declarations/declared-url.js';
import { coreMetadataLimit, parseCoreMetadata } from './core-metadata.js';
import { parseWheelName, readSdistName, sameRelease } from './distribution-file.js';
import { judgeDistribution } from './judge-distribution.js';

const suffix = /\.(?:whl|tar\.gz|tgz|tar\.bz2|tar\.xz|zip)\.metadata$/;

/** Metadata that an index serves beside a distribution (PEP 658), see docs/reference/inspectors/python.md. */
export const pipMetadataInspector: Inspector = {
  id: 'pip.metadata',
  inspectRequest: (request) =>
    request.method === 'GET' && suffix.test(request.path) ? { opinion: 'Pending', reason: 'valid URL for the metadata of a Python distribution' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const fileName = (lastSegment(request.path) ?? '').slice(0, -'.metadata'.length);
    const wheel = parseWheelName(fileName);
    const core = parseCoreMetadata(await body.read(coreMetadataLimit));
    const readings = wheel === undefined ? readSdistName(fileName) : [wheel];
    if (!readings.some((reading) => sameRelease(core, reading)))
      throw refusal(`the metadata is that of ${core.name} ${core.version}, which its file name does not say`);
    const { metadata, ...opinion } = await judgeDistribution({
      request,
      response,
      body,
      context,
      release: core,
      noun: 'distribution metadata',
      digestOf: ({ metadataSha256 }) => metadataSha256,
    });
    return { ...opinion, metadata: { ...core.metadata, ...metadata, type: 'application/x.python.metadata' } };
  },
};
