import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { withZipArchive, type ZipArchive } from '../archives/zip-archive.js';
import { normalisePath } from '../declarations/declared-url.js';
import { digestBody } from '../declarations/integrity.js';
import { parseXml } from '../documents/bounded-xml.js';
import { findPackage, type FoundDeclaration } from './declared-package.js';
import { findCatalogEntry, findService } from './known-service.js';
import { isNugetClient } from './nuget-client.js';
import { normaliseVersion, nugetPurl, type PackageId } from './package-id.js';
import { nuspecLimit, readNuspec, type Nuspec } from './nuspec.js';

const signatureFile = '.signature.p7s';

/** Packages (`.nupkg`), see docs/reference/inspectors/nuget.md. */
export const nugetPackageInspector: Inspector = {
  id: 'nuget.package',
  inspectRequest: (request) =>
    request.method === 'GET' && (isPackagePath(request.path) || isNugetClient(request)) ? { opinion: 'Pending', reason: 'valid URL for a NuGet package' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    // Sources of the old protocol serve packages under any name, and a client's requests do not tell them from indexes.
    const isZip = body.head.subarray(0, 4).toString('latin1') === 'PK\x03\x04';
    if (response.status !== 200 || !(isZip || isPackagePath(request.path))) return undefined;
    const { nuspec, signed } = await withZipArchive(body, { response, context }, (archive) => readPackage(archive, context));
    const opinion = checkAsked(nuspec, request) ?? (await judge(nuspec, { request, body, context }));
    return {
      ...opinion,
      annotations: { ...opinion.annotations, 'has-signature': signed },
      metadata: { ...nuspec.metadata, type: 'application/x.nuget.package', name: nuspec.id, version: nuspec.version, purl: nugetPurl(nuspec) },
    };
  },
};

function isPackagePath(path: string): boolean {
  return path.toLowerCase().endsWith('.nupkg');
}

/** The one `.nuspec` in the root of the archive. */
async function readPackage(archive: ZipArchive, context: InspectionContext): Promise<{ readonly nuspec: Nuspec; readonly signed: boolean }> {
  const names = [...archive.files.keys()].filter((path) => !path.includes('/') && path.toLowerCase().endsWith('.nuspec'));
  const [name] = names;
  if (name === undefined || names.length > 1) throw refusal(`the package has ${names.length} .nuspec files in its root`);
  const nuspec = readNuspec(await parseXml(await archive.read(name, nuspecLimit), context));
  return { nuspec, signed: archive.files.has(signatureFile) };
}

/** A refusal when the URL names another release in one of the usual ways. */
function checkAsked(release: PackageId, request: InspectedRequest): ResponseInspection | undefined {
  const path = normalisePath(request.path);
  const asked = /\/([^/]+)\/([^/]+)\/\1\.\2\.nupkg$/i.exec(path) ?? /\/package\/([^/]+)\/([^/]+)$/i.exec(path);
  const version = normaliseVersion(asked?.[2] ?? '');
  if (asked === null || version === undefined) return undefined;
  if (asked[1]?.toLowerCase() === release.id.toLowerCase() && version === release.version) return undefined;
  return { opinion: 'Rejected', reason: `the package holds ${release.id} ${release.version}, but its URL is that of ${(asked[1] ?? '').slice(0, 100)} ${version}` };
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(release: Nuspec, { request, body, context }: Subject): Promise<ResponseInspection> {
  const url = request.origin + normalisePath(request.path) + (request.query === '' ? '' : `?${request.query}`);
  let declarations = await findPackage(context.knowledge, release, url);
  if (declarations.length === 0) {
    await consultCatalog(release, request, context);
    declarations = await findPackage(context.knowledge, release, url);
  }
  if (declarations.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the package is sound, but no index of this session declares a hash for ${release.id} ${release.version}: it cannot be checked; use a source that gives package hashes (a catalogue of protocol version 3, or a feed of version 2)`,
    };
  }
  const agreeing = await matching(declarations, body, context);
  // Returned, not thrown: the report then names the package that was not in order.
  if (agreeing.length === 0) return { opinion: 'Rejected', reason: `the package's ${declarations[0]?.algorithm} hash is not the one that the index declares` };
  return { opinion: 'Approved', reason: 'valid NuGet package', annotations: { 'declared-by': agreeing.map(({ index }) => index), 'checked-digest': agreeing[0]?.algorithm ?? '' } };
}

async function matching(declarations: readonly FoundDeclaration[], body: InspectedBody, context: InspectionContext): Promise<FoundDeclaration[]> {
  const actual = new Map<string, string>();
  for (const { algorithm } of declarations) if (!actual.has(algorithm)) actual.set(algorithm, await digestBody(body, algorithm, context));
  return declarations.filter(({ algorithm, hash }) => actual.get(algorithm) === hash);
}

/** Clients of protocol version 3 ask for no hash: the proxy asks for the release's document and for the entry of the catalogue that it names. */
async function consultCatalog({ id, version }: PackageId, request: InspectedRequest, { knowledge, consult }: InspectionContext): Promise<void> {
  const service = consult === undefined ? undefined : await findService(knowledge, request);
  for (const base of service?.registrations ?? []) {
    const leaf = `${base.replace(/\/+$/, '')}/${id.toLowerCase()}/${encodeURIComponent(version)}.json`;
    if ((await consult?.(leaf)) !== 'approved') continue;
    const entry = await findCatalogEntry(knowledge, leaf);
    if (entry !== undefined && (await consult?.(entry)) === 'approved') return;
  }
}
