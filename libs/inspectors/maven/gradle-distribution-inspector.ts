import type { Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { withZipArchive } from '../archives/zip-archive.js';
import { judgeFile, withoutBody } from './judge-file.js';
import { parseDistributionPath } from './repository-path.js';

/** Distributions that Gradle's wrapper downloads, see docs/reference/inspectors/maven.md. */
export const gradleDistributionInspector: Inspector = {
  id: 'gradle.distribution',
  inspectRequest: ({ method, path }) =>
    (method === 'GET' || method === 'HEAD') && parseDistributionPath(path) !== undefined ? { opinion: 'Pending', reason: 'valid URL for a Gradle distribution' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseDistributionPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const files = await withZipArchive(body, { response, context }, (archive) => Promise.resolve([...archive.files.keys()]));
    const outside = files.find((path) => !path.startsWith(`gradle-${asked.version}/`));
    if (outside !== undefined) throw refusal(`the Gradle distribution holds ${JSON.stringify(outside.slice(0, 120))} outside of gradle-${asked.version}`);
    const opinion = await judgeFile({ request, response, body, context }, { noun: 'Gradle distribution' });
    return { ...opinion, metadata: { ...opinion.metadata, type: 'application/x.gradle.distribution', name: 'gradle', version: asked.version, purl: `pkg:generic/gradle@${encodeURIComponent(asked.version)}` } };
  },
};
