import type { Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readXml } from '../documents/bounded-xml.js';
import { judgeFile, withoutBody } from './judge-file.js';
import { inheritedMetadata, rememberRelease, type KnownRelease } from './known-releases.js';
import { mavenPurl, readPom, type Coordinates, type Pom } from './pom.js';
import { baseOfGroup, parseReleasePath, type ReleaseFile } from './repository-path.js';

/** POMs, see docs/reference/inspectors/maven.md. */
export const mavenPomInspector: Inspector = {
  id: 'maven.pom',
  inspectRequest: ({ method, path }) =>
    (method === 'GET' || method === 'HEAD') && parseReleasePath(path)?.extension === 'pom' ? { opinion: 'Pending', reason: 'valid URL for a POM' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const file = parseReleasePath(request.path);
    if (response.status !== 200 || file === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const pom = readPom(await readXml(body, context));
    const { coordinates, base } = placeOf(pom, file);
    const release: KnownRelease = { coordinates, base, ...(pom.parent === undefined ? {} : { parent: pom.parent }), metadata: pom.metadata };
    const opinion = await judgeFile({ request, response, body, context }, { noun: 'POM' });
    if (opinion.opinion === 'Approved') await rememberRelease(context.knowledge, { origin: request.origin, stem: file.stem }, release);
    return {
      ...opinion,
      metadata: {
        ...opinion.metadata,
        ...(await inheritedMetadata(context.knowledge, request.origin, release)),
        type: 'application/x.maven.pom',
        name: `${coordinates.group}:${coordinates.artifact}`,
        version: coordinates.version,
        purl: mavenPurl(coordinates, file),
      },
    };
  },
};

/** The coordinates on which a POM and its path agree; throws a reason when they do not. */
function placeOf(pom: Pom, file: ReleaseFile): { readonly coordinates: Coordinates; readonly base: string } {
  const { group, artifact, version } = pom.coordinates;
  const base = group === undefined ? undefined : baseOfGroup(file.parents, group);
  const agrees = base !== undefined && (artifact ?? file.artifact) === file.artifact && (version ?? file.version) === file.version;
  if (group === undefined) throw refusal('the groupId of the POM hangs on properties that it does not have, so its place in the repository cannot be checked');
  if (!agrees) {
    const says = [group, artifact ?? '?', version ?? '?'].join(':');
    throw refusal(`the POM is that of ${JSON.stringify(says.slice(0, 300))}, but its URL is that of ${file.artifact} ${file.version} in ${[...file.parents].join('/').slice(0, 200)}`);
  }
  return { coordinates: { group, artifact: file.artifact, version: file.version }, base: base.map((name) => `/${name}`).join('') };
}
