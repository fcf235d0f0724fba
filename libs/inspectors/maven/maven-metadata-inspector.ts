import type { Inspector } from '../../inspection/inspector.js';
import { readXml } from '../documents/bounded-xml.js';
import { digestFile, rememberFile } from './file-digests.js';
import { withoutBody } from './judge-file.js';
import { readRepositoryMetadata } from './maven-metadata.js';
import { parseMetadataPath } from './repository-path.js';

/** `maven-metadata.xml` of groups, artifacts and snapshots, see docs/reference/inspectors/maven.md. */
export const mavenMetadataInspector: Inspector = {
  id: 'maven.metadata',
  inspectRequest: ({ method, path }) =>
    (method === 'GET' || method === 'HEAD') && parseMetadataPath(path) !== undefined ? { opinion: 'Pending', reason: 'valid URL for Maven repository metadata' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const directories = parseMetadataPath(request.path);
    if (response.status !== 200 || directories === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const { group, artifact, version, entries } = readRepositoryMetadata(await readXml(body, context), directories);
    // For its checksum file. One that came before is not looked at: honest metadata change while a session lasts.
    await rememberFile(context.knowledge, request, await digestFile(body, context));
    return {
      opinion: 'Approved',
      reason: 'valid Maven repository metadata',
      annotations: { entries },
      metadata: { type: 'application/x.maven.metadata', name: [group, artifact].filter((text) => text !== '').join(':'), version },
    };
  },
};
