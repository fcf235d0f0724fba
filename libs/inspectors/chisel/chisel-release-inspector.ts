import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';
import { sniffCompression } from '../archives/decompress.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { configuredUrls } from '../store/configured-urls.js';
import { chiselYamlLimit, fingerprintOf, parseChiselYaml, type ChiselYaml } from './chisel-yaml.js';

/** How forges give out a branch of a repository of releases. */
const pathPattern = /\/chisel-releases\/(?:legacy\.)?(?:tar\.gz|archive)\//;

/** Chisel releases, see docs/reference/inspectors/chisel.md. */
export const chiselReleaseInspector: Inspector = {
  id: 'chisel.release',
  inspectRequest: (request, { configuration }) => {
    if (request.method !== 'GET') return undefined;
    return isConfigured(request, configuration) || pathPattern.test(request.path)
      ? { opinion: 'Pending', reason: 'valid URL for a chisel release' }
      : undefined;
  },
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    // Others judge what else a configured place has.
    const release = sniffCompression(body.head) === 'gzip' ? await readRelease(body, context) : undefined;
    if (release === undefined) return { opinion: 'Unknown', reason: 'the file is no chisel release: it is no gzip-compressed archive with a chisel.yaml' };
    const opinion = (await checkKeys(release.yaml, context.configuration)) ?? judge(isConfigured(request, context.configuration));
    return {
      ...opinion,
      annotations: { slices: release.slices, format: release.yaml.format, keys: release.yaml.fingerprints },
      metadata: { type: 'application/x.canonical.chisel.release', name: release.directory, version: release.yaml.versions.join(' ') },
    };
  },
};

function isConfigured(request: InspectedRequest, configuration: InspectorsConfiguration): boolean {
  return configuredUrls(configuration, 'chisel')?.(request.url) === true;
}

interface ReceivedRelease {
  readonly directory: string;
  readonly yaml: ChiselYaml;
  /** Number of files with definitions. */
  readonly slices: number;
}

/** The release in the one directory that a forge puts it in; undefined for another archive. */
async function readRelease(body: InspectedBody, context: InspectionContext): Promise<ReceivedRelease | undefined> {
  let slices = 0;
  let directory = '';
  let second = '';
  const contents = await readGzipTar(body, context, ({ path, type }) => {
    const [top = '', ...rest] = path.split('/');
    if (directory === '') directory = top;
    if (top !== directory) second = top;
    if (type === 'file' && rest[0] === 'slices' && path.endsWith('.yaml')) slices += 1;
    return rest.join('/') === 'chisel.yaml' ? chiselYamlLimit : undefined;
  });
  const bytes = contents.get(`${directory}/chisel.yaml`);
  if (bytes === undefined) return undefined;
  if (second !== '') throw refusal(`the chisel release has a second directory ${JSON.stringify(second.slice(0, 120))}`);
  if (slices === 0) throw refusal('the chisel release has no slices');
  return { directory, yaml: await parseChiselYaml(bytes), slices };
}

/** A refusal when keys of apt repositories are configured and the release has none of them: what it cuts would come from elsewhere. */
async function checkKeys({ fingerprints }: ChiselYaml, configuration: InspectorsConfiguration): Promise<ResponseInspection | undefined> {
  const configured = await aptFingerprints(configuration);
  if (configured.length === 0 || fingerprints.some((fingerprint) => configured.includes(fingerprint))) return undefined;
  return { opinion: 'Rejected', reason: 'the chisel release trusts no archive key that the configuration ("apt.repositories") has' };
}

async function aptFingerprints(configuration: InspectorsConfiguration): Promise<readonly string[]> {
  const apt = own(configuration, 'apt');
  const repositories = isRecord(apt) ? own(apt, 'repositories') : undefined;
  const keys = isRecord(repositories)
    ? Object.values(repositories).map((repository) => (isRecord(repository) ? own(repository, 'public-key') : undefined))
    : [];
  const armored = keys.filter((key): key is string => typeof key === 'string');
  return Promise.all(armored.map((key) => fingerprintOf(key, '"public-key" of an apt repository in the inspectors configuration')));
}

/** Nothing declares the digest of a branch that a forge packs anew each time: only its place can be trusted. */
function judge(isTrustedPlace: boolean): ResponseInspection {
  if (isTrustedPlace) return { opinion: 'Approved', reason: 'valid chisel release from a configured place ("chisel.urls")' };
  return {
    opinion: 'Unknown',
    reason: 'the chisel release is sound, but nothing declares its digest: name its URL in the configuration ("chisel.urls"), or pin its digest in the policy',
  };
}
