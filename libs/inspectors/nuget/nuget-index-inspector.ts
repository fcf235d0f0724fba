import { parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { limitExceeded } from '../../inspection/refusal.js';
import { parseXml } from '../documents/bounded-xml.js';
import { rememberPackages } from './declared-package.js';
import { readJsonDocument, type JsonDocument } from './json-documents.js';
import { rememberCatalogEntry, rememberService } from './known-service.js';
import { isNugetClient } from './nuget-client.js';
import { readODataDocument } from './odata-feed.js';
import { nugetPurl } from './package-id.js';

/** Decoded bytes; registrations of packages with thousands of versions have some 10 MB. */
const jsonLimit = 64 * 1024 * 1024;
const xmlLimit = 16 * 1024 * 1024;
/** `Packages(Id='x',Version='1')`, `FindPackagesById()` and the like. */
const odataPath = /\/(?:Packages|FindPackagesById|Search|GetUpdates)\([^/]*\)$/i;
/** `<id>/<version>.json`: the document of one release, and `data/<time>/<id>.<version>.json`: its entry in the catalogue. */
const leafPath = /\/[^/]+\/\d+(?:\.\d+){0,3}(?:-[0-9A-Za-z.-]+)?\.json$|\/data\/\d{4}(?:\.\d\d){5}\/[^/]+\.json$/;

/** Indexes of both versions of NuGet's protocol, see docs/reference/inspectors/nuget.md. */
export const nugetIndexInspector: Inspector = {
  id: 'nuget.index',
  inspectRequest: (request) => (asksForIndex(request) ? { opinion: 'Pending', reason: 'valid URL for a NuGet index' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200 || body.head.subarray(0, 2).toString('latin1') === 'PK') return undefined;
    const bytes = await body.read(jsonLimit);
    const first = bytes.toString('latin1', 0, 256).replace(/^\u00ef\u00bb\u00bf/, '').trimStart()[0];
    const opinion =
      first === '<' ? await judgeXml(bytes, request, context) : first === '{' || first === '[' ? await judgeJson(readJsonDocument(parseBoundedJson(bytes)), request, context) : undefined;
    if (opinion !== undefined) return opinion;
    return isNugetClient(request) ? { opinion: 'Unknown', reason: 'the answer is none of the documents that NuGet sources have' } : undefined;
  },
};

function asksForIndex(request: InspectedRequest): boolean {
  if (request.method !== 'GET' || request.path.endsWith('.nupkg')) return false;
  return isNugetClient(request) || leafPath.test(request.path) || odataPath.test(decodePath(request.path));
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

async function judgeXml(bytes: Buffer, request: InspectedRequest, context: InspectionContext): Promise<ResponseInspection | undefined> {
  if (bytes.length > xmlLimit) throw limitExceeded(`the XML document is larger than ${xmlLimit} bytes`);
  const document = readODataDocument(await parseXml(bytes, context), request.url);
  if (document === undefined) return undefined;
  context.signal?.throwIfAborted();
  await rememberPackages(context.knowledge, request.url, document.packages);
  return {
    opinion: 'Approved',
    reason: 'valid NuGet index',
    annotations: { kind: document.kind, entries: document.entries, hashes: document.packages.length },
    metadata: { type: `application/x.nuget.${document.kind}` },
  };
}

async function judgeJson(document: JsonDocument | undefined, request: InspectedRequest, { knowledge }: InspectionContext): Promise<ResponseInspection | undefined> {
  if (document === undefined) return undefined;
  const approved: ResponseInspection = { opinion: 'Approved', reason: 'valid NuGet index', annotations: { kind: document.kind }, metadata: { type: `application/x.nuget.${document.kind}` } };
  switch (document.kind) {
    case 'service-index':
      await rememberService(knowledge, request.url, document.resources);
      return approved;
    case 'registration-leaf':
      await rememberCatalogEntry(knowledge, request.url, document.catalogEntry);
      return approved;
    case 'catalog-leaf': {
      if (document.declaration !== undefined) await rememberPackages(knowledge, request.url, [document.declaration]);
      const { release, published } = document;
      return { ...approved, metadata: { ...approved.metadata, name: release.id, version: release.version, purl: nugetPurl(release), published } };
    }
    case 'repository-signatures':
      return { ...approved, annotations: { kind: document.kind, 'all-repository-signed': document.allSigned, certificates: document.fingerprints } };
    case 'versions':
    case 'search':
    case 'registration':
    case 'vulnerabilities':
      return { ...approved, annotations: { kind: document.kind, entries: document.entries } };
  }
}
