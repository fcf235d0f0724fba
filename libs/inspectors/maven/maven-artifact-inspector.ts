import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import type { FileExchange } from './file-exchange.js';
import { findModuleDigests } from './gradle-module-inspector.js';
import { checkJar, type JarContents } from './jar-archive.js';
import { judgeFile, withoutBody } from './judge-file.js';
import { findRelease, inheritedMetadata, type KnownRelease } from './known-releases.js';
import { isMavenClient } from './maven-client.js';
import { mavenPurl } from './pom.js';
import { parseDistributionPath, parseReleasePath, parseSidecarPath, type ReleaseFile } from './repository-path.js';

/** Zip archives under names that other ecosystems do not use; the rest is only looked at when a client of Maven repositories asks. */
const archives = new Set(['jar', 'war', 'ear', 'rar', 'aar', 'klib', 'hpi', 'jpi', 'nbm', 'apklib']);
const javaArchives = new Set(['jar', 'war', 'ear', 'rar']);
const ownInspectors = new Set(['pom', 'module']);

/** Files of a release beside its POM: JARs and whatever else it has, see docs/reference/inspectors/maven.md. */
export const mavenArtifactInspector: Inspector = {
  id: 'maven.artifact',
  inspectRequest: (request) => (fileOf(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a file of a Maven repository' }),
  inspectResponse: async (request, response, body, context) => {
    const file = fileOf(request);
    if (response.status !== 200 || file === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const exchange = { request, response, body, context };
    const contents = await checkArchive(exchange, file);
    const release = await knownRelease(exchange, file);
    const opinion = await judge(exchange, file, release);
    const annotations = { ...opinion.annotations, ...contents };
    const type = javaArchives.has(file.extension) ? { type: 'application/java-archive' } : {};
    return { ...opinion, annotations, metadata: { ...opinion.metadata, ...(await describe(request, { file, release, context })), ...type } };
  },
};

function fileOf(request: InspectedRequest): ReleaseFile | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const file = parseReleasePath(request.path);
  if (file === undefined || ownInspectors.has(file.extension) || parseSidecarPath(request.path) !== undefined || parseDistributionPath(request.path) !== undefined) return undefined;
  return archives.has(file.extension) || isMavenClient(request) ? file : undefined;
}

/** Nothing for files that are no archives: those are under their digest alone. */
async function checkArchive(exchange: FileExchange, { extension }: ReleaseFile): Promise<JarContents | undefined> {
  const isZip = exchange.body.head.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));
  return archives.has(extension) || (extension === 'zip' && isZip) ? checkJar(exchange) : undefined;
}

/** The release as its POM, or its Gradle module metadata, tell it; fetched when the build had them cached and so did not ask. */
async function knownRelease({ request, context }: FileExchange, { stem }: ReleaseFile): Promise<KnownRelease | undefined> {
  const known = await findRelease(context.knowledge, request.origin, stem);
  if (known !== undefined || context.consult === undefined) return known;
  const url = request.origin + encodeURI(stem).replaceAll(/[?#]/g, encodeURIComponent);
  if ((await context.consult(`${url}.pom`)) !== 'approved') await context.consult(`${url}.module`);
  return findRelease(context.knowledge, request.origin, stem);
}

async function judge(exchange: FileExchange, { artifact, version, stem }: ReleaseFile, release: KnownRelease | undefined): Promise<ResponseInspection> {
  const { request, context } = exchange;
  const module = await findModuleDigests(context.knowledge, request, stem);
  const opinion = await judgeFile(exchange, { noun: 'file', ...(module === undefined ? {} : { module }) });
  if (opinion.opinion !== 'Approved' || release !== undefined) return opinion;
  return {
    opinion: 'Unknown',
    reason: `the file is sound, but no POM of ${artifact} ${version} was approved in this session; let the build read it through the proxy (an empty local repository does)`,
  };
}

async function describe(
  request: InspectedRequest,
  { file, release, context }: { readonly file: ReleaseFile; readonly release: KnownRelease | undefined; readonly context: InspectionContext },
): Promise<ResponseInspection['metadata']> {
  if (release === undefined) return { name: file.artifact, version: file.version };
  const { coordinates } = release;
  return {
    ...(await inheritedMetadata(context.knowledge, request.origin, release)),
    name: `${coordinates.group}:${coordinates.artifact}`,
    version: coordinates.version,
    purl: mavenPurl(coordinates, file),
  };
}
