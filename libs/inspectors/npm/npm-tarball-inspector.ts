import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { findDeclarations, type FileDeclaration } from '../declarations/declared-files.js';
import { normalisePath } from '../declarations/declared-url.js';
import { isNpmClient } from './npm-client.js';
import { manifestMetadata } from './package-manifest.js';
import { isPackageName, normaliseNpmVersion, npmPurl } from './package-name.js';
import { digestBody, strongestDigests, type IntegrityDigest } from '../declarations/integrity.js';

const manifestLimit = 8 * 1024 * 1024;

/** Package tarballs of the npm registry protocol, see docs/reference/inspectors/npm.md. */
export const npmTarballInspector: Inspector = {
  id: 'npm.tarball',
  inspectRequest: (request) => (asksForTarball(request) ? { opinion: 'Pending', reason: 'valid URL for an npm package' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const manifest = await readManifest(body, context);
    const opinion = await judge(manifest, { request, body, context });
    return {
      ...opinion,
      metadata: {
        ...manifestMetadata(manifest.fields),
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

interface Manifest {
  readonly name: string;
  readonly version: string;
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

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(manifest: Manifest, subject: Subject): Promise<ResponseInspection> {
  const { request, context } = subject;
  const path = normalisePath(request.path) + (request.query === '' ? '' : `?${request.query}`);
  const declarations = await findDeclarations(context.knowledge, { family: 'npm', origin: request.origin, name: manifest.name }, path);
  if (declarations.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the tarball is sound, but no package document of this session declares it for ${manifest.name}: its digest cannot be checked; let npm read the package documents through the proxy (npm install with an empty cache does)`,
    };
  }
  let algorithm = '';
  for (const { index, declaration } of declarations) {
    const checked = await checkDeclaration(manifest, { declaration, index }, subject);
    // Returned, not thrown: the report then names the package that was not in order.
    if (checked.problem !== undefined) return { opinion: 'Rejected', reason: checked.problem };
    algorithm = checked.algorithm;
  }
  return {
    opinion: 'Approved',
    reason: 'valid npm package',
    annotations: { 'declared-by': declarations.map(({ index }) => index), 'checked-digest': algorithm },
  };
}

type DeclarationCheck = { readonly problem: undefined; readonly algorithm: string } | { readonly problem: string };

/** Whether the tarball is what one package document declared, and by which digest. */
async function checkDeclaration(manifest: Manifest, declared: { declaration: FileDeclaration; index: string }, { body, context }: Subject): Promise<DeclarationCheck> {
  const [integrity = '', version = ''] = declared.declaration;
  if (normaliseNpmVersion(manifest.version) !== normaliseNpmVersion(version)) {
    return { problem: `the tarball holds version ${JSON.stringify(manifest.version)}, but the package document declares it as ${JSON.stringify(version)}` };
  }
  const digests: readonly IntegrityDigest[] = integrity.startsWith('sha1:') ? [{ algorithm: 'sha1', hex: integrity.slice(5) }] : strongestDigests(integrity);
  const algorithm = digests[0]?.algorithm;
  if (algorithm === undefined) return { problem: 'the package document declares no digest for this tarball' };
  const actual = await digestBody(body, algorithm, context);
  if (!digests.some((digest) => digest.hex === actual)) return { problem: `the tarball's ${algorithm} digest is not the one that the package document declares` };
  return { problem: undefined, algorithm };
}
