import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { judgeTarball, type PackageId } from './judge-tarball.js';
import { isNpmClient } from './npm-client.js';
import { manifestMetadata } from './package-manifest.js';
import { isPackageName, npmPurl } from './package-name.js';

const manifestLimit = 8 * 1024 * 1024;

/** Package tarballs of the npm registry protocol, see docs/reference/inspectors/npm.md. */
export const npmTarballInspector: Inspector = {
  id: 'npm.tarball',
  inspectRequest: (request) => (asksForTarball(request) ? { opinion: 'Pending', reason: 'valid URL for an npm package' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const manifest = await readManifest(body, context);
    const { metadata, ...opinion } = await judgeTarball(manifest, { request, body, context });
    return {
      ...opinion,
      metadata: {
        ...manifestMetadata(manifest.fields),
        ...metadata,
        type: 'application/x.npm.package',
        name: manifest.name,
        version: manifest.version,
        purl: npmPurl(manifest.name, manifest.version),
      },
    };
  },
};

function asksForTarball(request: InspectedRequest): boolean {
  if (request.method !== 'GET') return false;
  // Some registries name tarballs by digest alone; npm then says what it is after.
  return request.path.endsWith('.tgz') || (request.header('pacote-req-type') === 'tarball' && isNpmClient(request));
}

interface Manifest extends PackageId {
  readonly fields: Record<string, unknown>;
}

/** The package.json in the first directory, whatever that is called: npm strips it. */
async function readManifest(body: InspectedBody, context: InspectionContext): Promise<Manifest> {
  const contents = await readGzipTar(body, context, ({ path }) => (/^[^/]+\/package\.json$/.test(path) ? manifestLimit : undefined));
  const [content, second] = [...contents.values()];
  if (content === undefined) throw refusal('the tarball has no package.json in its first directory');
  if (second !== undefined) throw refusal('the tarball has more than one package.json that npm would unpack to the same place');
  const fields = parseBoundedJson(content);
  const name = isRecord(fields) ? own(fields, 'name') : undefined;
  const version = isRecord(fields) ? own(fields, 'version') : undefined;
  if (!isRecord(fields) || typeof name !== 'string' || typeof version !== 'string' || !isPackageName(name) || version.length > 256)
    throw refusal('the package.json of the tarball has no valid name and version');
  return { name, version, fields };
}
