import type { Inspector } from '../../inspection/inspector.js';
import { isFetch } from './fetch-method.js';
import { parseRepositoryPath } from './repository-path.js';

/** Refuses what changes a registry: a build fetches. See docs/reference/inspectors/oci.md. */
export const ociPushInspector: Inspector = {
  id: 'oci.push',
  inspectRequest: (request) => {
    const asked = parseRepositoryPath(request.path);
    if (asked === undefined || asked.kind === 'ping' || isFetch(request)) return undefined;
    return {
      opinion: 'Rejected',
      reason: `a push is not a fetch: ${request.method} changes the registry; a strict session only takes in, so push when the session has ended`,
    };
  },
  inspectResponse: async () => undefined,
};
