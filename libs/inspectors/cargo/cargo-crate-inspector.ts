import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { lastSegment } from '../declarations/declared-url.js';
import { digestBody } from '../declarations/integrity.js';
import { isCargoClient } from './cargo-client.js';
import { cratePurl, type CrateId } from './crate-id.js';
import { crateManifestLimit, parseCrateManifest, type CrateManifest } from './crate-manifest.js';
import { findRelease } from './declared-crate.js';
import { parseIndexPath } from './index-path.js';

/** Crates, see docs/reference/inspectors/cargo.md. */
export const cargoCrateInspector: Inspector = {
  id: 'cargo.crate',
  inspectRequest: (request) => (asksForCrate(request) ? { opinion: 'Pending', reason: 'valid URL for a crate' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const crate = await readCrate(body, context);
    const opinion = checkAsked(crate, request) ?? (await judge(crate, { request, body, context }));
    return {
      ...opinion,
      metadata: {
        ...crate.metadata,
        type: 'application/x.cargo.crate',
        name: crate.name,
        version: crate.version,
        purl: cratePurl(crate.name, crate.version),
      },
    };
  },
};

/** Behind a redirect a crate may have any URL, but cargo asks for nothing else than its index and crates. */
function asksForCrate(request: InspectedRequest): boolean {
  if (request.method !== 'GET') return false;
  return request.path.endsWith('.crate') || (isCargoClient(request) && parseIndexPath(request.path) === undefined);
}

/** The manifest in the one directory that a crate has; cargo unpacks nothing beside it. */
async function readCrate(body: InspectedBody, context: InspectionContext): Promise<CrateManifest> {
  let directory: string | undefined;
  const contents = await readGzipTar(body, context, ({ path, type }) => {
    const top = path.split('/', 1)[0] ?? '';
    if (top === path && type === 'file') throw refusal(`the crate holds ${JSON.stringify(path.slice(0, 120))} outside of its directory`);
    directory ??= top;
    if (top !== directory) throw refusal(`the crate has a second directory ${JSON.stringify(top.slice(0, 120))}`);
    return path === `${top}/Cargo.toml` ? crateManifestLimit : undefined;
  });
  const manifest = contents.get(`${directory}/Cargo.toml`);
  if (manifest === undefined) throw refusal('the crate has no Cargo.toml in its directory');
  const crate = parseCrateManifest(manifest);
  if (directory !== `${crate.name}-${crate.version}`)
    throw refusal(`the crate holds ${crate.name} ${crate.version}, but its directory is ${JSON.stringify(directory?.slice(0, 120))}`);
  return crate;
}

/** A refusal when the URL names another release in one of the usual ways. */
function checkAsked({ name, version }: CrateId, request: InspectedRequest): ResponseInspection | undefined {
  const file = lastSegment(request.path) ?? '';
  const usual = /\/([^/]+)\/([^/]+)\/download$/.exec(decodePath(request.path));
  const asked = usual === null ? /^(.+?)-(\d+\.\d+\.\d+.*)\.crate$/.exec(file) : usual;
  if (asked === null || (asked[1]?.toLowerCase() === name.toLowerCase() && asked[2] === version)) return undefined;
  return { opinion: 'Rejected', reason: `the crate holds ${name} ${version}, but its URL is that of ${asked[1]} ${asked[2]}` };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(crate: CrateId, { request, body, context }: Subject): Promise<ResponseInspection> {
  const declarations = await findRelease(context.knowledge, crate, request);
  if (declarations.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the crate is sound, but no index of this session declares ${crate.name} ${crate.version}: its checksum cannot be checked; let cargo read the index through the proxy (cargo fetch with an empty CARGO_HOME does)`,
    };
  }
  const actual = await digestBody(body, 'sha256', context);
  const declared = declarations.filter(({ checksum }) => checksum === actual);
  // Returned, not thrown: the report then names the crate that was not in order.
  if (declared.length === 0) return { opinion: 'Rejected', reason: "the crate's SHA-256 checksum is not the one that the index declares" };
  const yanked = declared.some((declaration) => declaration.yanked);
  return {
    opinion: 'Approved',
    reason: yanked ? 'valid crate, but its registry has yanked this version' : 'valid crate',
    annotations: { 'declared-by': declared.map(({ index }) => index), yanked },
  };
}
