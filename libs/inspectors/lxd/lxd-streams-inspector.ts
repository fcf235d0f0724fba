import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { rememberItems, type Mirror } from './declared-items.js';
import { parseStreams, streamsLimit } from './simple-streams.js';

const pathPattern = /^(.*\/)streams\/v1\/[^/]+\.json$/;

/** Documents of simple streams; see docs/reference/inspectors/lxd.md. */
export const lxdStreamsInspector: Inspector = {
  id: 'lxd.simple-streams.index',
  inspectRequest: (request) => (mirrorOf(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a document of simple streams' }),
  inspectResponse: async (request, response, body, context) => {
    const mirror = mirrorOf(request);
    if (response.status !== 200 || mirror === undefined) return undefined;
    const { format, paths, items } = parseStreams(await body.read(streamsLimit));
    await rememberItems(context, mirror, { index: request.origin + request.path, items });
    return {
      opinion: 'Approved',
      reason: format === 'index:1.0' ? `valid index of simple streams, ${paths.length} lists of products` : `valid list of products, ${items.length} files`,
      annotations: { format },
      metadata: { type: 'application/x.canonical.simplestreams-index' },
    };
  },
};

function mirrorOf({ method, path, origin }: InspectedRequest): Mirror | undefined {
  const root = method === 'GET' && path.length <= 2048 ? pathPattern.exec(path)?.[1] : undefined;
  return root === undefined ? undefined : { origin, root };
}
