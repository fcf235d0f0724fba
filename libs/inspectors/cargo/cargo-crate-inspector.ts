import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { lastSegment } from '../declarations/declared-url.js';
import { isCargoClient } from './cargo-client.js';
import { cratePurl, type CrateId } from './crate-id.js';
import { crateManifestLimit, parseCrateManifest, type CrateManifest } from './crate-manifest.js';
import { judgeCrate } from './judge-crate.js';
import { parseIndexPath } from './index-path.js';

/** Crates, see docs/reference/inspectors/cargo.md. */
export const cargoCrateInspector: Inspector = {
  id: 'cargo.crate',
  inspectRequest: (request) => (asksForCrate(request) ? { opinion: 'Pending', reason: 'valid URL for a crate' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const crate = await readCrate(body, context);
    const { metadata, ...opinion } = checkAsked(crate, request) ?? (await judgeCrate(crate, { request, body, context }));
    return {
      ...opinion,
      metadata: {
        ...crate.metadata,
        ...metadata,
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
