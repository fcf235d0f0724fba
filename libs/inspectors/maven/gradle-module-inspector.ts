import { parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, Inspector, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey, type FileDeclaration } from '../declarations/declared-files.js';
import { normalisePath, parseDeclaredUrl } from '../declarations/declared-url.js';
import type { FileDigests } from './file-digests.js';
import { readGradleModule, type GradleModule } from './gradle-module.js';
import { judgeFile, withoutBody } from './judge-file.js';
import { findRelease, rememberRelease } from './known-releases.js';
import { mavenPurl } from './pom.js';
import { baseOfGroup, checksumAlgorithms, parseReleasePath } from './repository-path.js';

/** Decoded bytes; those of large multiplatform libraries have some 200 kB. */
const moduleLimit = 8 * 1024 * 1024;

/** Gradle module metadata, see docs/reference/inspectors/maven.md. */
export const gradleModuleInspector: Inspector = {
  id: 'gradle.module',
  inspectRequest: ({ method, path }) =>
    (method === 'GET' || method === 'HEAD') && parseReleasePath(path)?.extension === 'module' ? { opinion: 'Pending', reason: 'valid URL for Gradle module metadata' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const place = parseReleasePath(request.path);
    if (response.status !== 200 || place === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const module = readGradleModule(parseBoundedJson(await body.read(moduleLimit)));
    const { coordinates } = module;
    const base = baseOfGroup(place.parents, coordinates.group);
    // A platform's file may speak of the component of its root module, whose group and version it shares.
    if (base === undefined || coordinates.version !== place.version || !place.artifact.startsWith(coordinates.artifact)) {
      const says = `${coordinates.group}:${coordinates.artifact}:${coordinates.version}`;
      throw refusal(`the Gradle module metadata are those of ${JSON.stringify(says.slice(0, 300))}, but their URL is that of ${place.artifact} ${place.version}`);
    }
    const opinion = await judgeFile({ request, response, body, context }, { noun: 'Gradle module metadata' });
    const own = { ...coordinates, artifact: place.artifact };
    if (opinion.opinion === 'Approved') {
      await rememberModuleFiles(context.knowledge, request, module);
      const known = await findRelease(context.knowledge, request.origin, place.stem);
      // The POM, which tells more, comes first where there is one.
      if (known === undefined) await rememberRelease(context.knowledge, { origin: request.origin, stem: place.stem }, { coordinates: own, base: base.map((name) => `/${name}`).join(''), metadata: {} });
    }
    return {
      ...opinion,
      metadata: { ...opinion.metadata, type: 'application/x.gradle.module', name: `${own.group}:${own.artifact}`, version: own.version, purl: mavenPurl(own, place) },
    };
  },
};

/** What approved Gradle module metadata of this session say of a file, undefined when they name no digest of it. */
export async function findModuleDigests(knowledge: SessionKnowledge, request: InspectedRequest, stem: string): Promise<FileDigests | undefined> {
  const declarations = await findDeclarations(knowledge, keyOf(request.origin, stem), normalisePath(request.path));
  const digests = declarations.flatMap(({ declaration }) => declaration.map((item) => item.split(':') as [string, string]));
  return digests.length === 0 ? undefined : Object.fromEntries(digests);
}

async function rememberModuleFiles(knowledge: SessionKnowledge, request: InspectedRequest, module: GradleModule): Promise<void> {
  const groups = new Map<string, Map<string, FileDeclaration>>();
  for (const { url, digests } of module.files) {
    const target = parseDeclaredUrl(url, request.url);
    const stem = target?.origin === request.origin ? parseReleasePath(target.path)?.stem : undefined;
    const items = checksumAlgorithms.flatMap((algorithm) => (digests[algorithm] === undefined ? [] : [`${algorithm}:${digests[algorithm]}`]));
    if (target === undefined || stem === undefined || items.length === 0) continue;
    const group = groups.get(stem) ?? new Map<string, FileDeclaration>();
    const before = group.get(target.path);
    if (before !== undefined && before.join() !== items.join()) throw refusal('the Gradle module metadata give a file two digests');
    groups.set(stem, group.set(target.path, items));
  }
  for (const [stem, files] of groups) await rememberDeclaredFiles(knowledge, keyOf(request.origin, stem), { index: request.url, files });
}

function keyOf(origin: string, stem: string): DeclarationKey {
  return { family: 'maven', origin, name: stem };
}
