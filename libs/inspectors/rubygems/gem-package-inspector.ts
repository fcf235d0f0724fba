import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { findGem } from './declared-gem.js';
import { readGem, type GemArchive } from './gem-archive.js';
import { gemFullName, gemPurl } from './gem-id.js';
import { parseRegistryPath } from './registry-path.js';

/** Gems, see docs/reference/inspectors/rubygems.md. */
export const gemPackageInspector: Inspector = {
  id: 'gem.package',
  inspectRequest: (request) => (fileOf(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a gem' }),
  inspectResponse: async (request, response, body, context) => {
    const file = fileOf(request);
    if (response.status !== 200 || file === undefined) return undefined;
    const gem = await readGem(body, context);
    const opinion: ResponseInspection =
      gemFullName(gem) === file
        ? await judge(gem, { request, body, context })
        : { opinion: 'Rejected', reason: `the gem is ${gemFullName(gem)}, but its URL is that of ${file.slice(0, 256)}` };
    return {
      ...opinion,
      metadata: { ...gem.metadata, type: 'application/x.gem.package', name: gem.name, version: gem.version, purl: gemPurl(gem.name, gem.version, gem.platform) },
    };
  },
};

function fileOf(request: InspectedRequest): string | undefined {
  const asked = request.method === 'GET' ? parseRegistryPath(request.path) : undefined;
  return asked?.kind === 'gem' ? asked.file : undefined;
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(gem: GemArchive, { request, body, context }: Subject): Promise<ResponseInspection> {
  const declarations = (await findGem(gem, request, context)).filter(({ checksum }) => checksum !== '');
  if (declarations.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the gem is sound, but no compact index of this session declares a checksum for ${gemFullName(gem)}; use a registry that has a compact index (/info/${gem.name} with checksums) and let gem or bundle read it through the proxy`,
    };
  }
  const actual = await digestBody(body, 'sha256', context);
  const declared = declarations.filter(({ checksum }) => checksum === actual);
  // Returned, not thrown: the report then names the gem that was not in order.
  if (declared.length === 0) return { opinion: 'Rejected', reason: "the gem's SHA-256 checksum is not the one that the compact index declares" };
  return { opinion: 'Approved', reason: 'valid gem', annotations: { 'declared-by': declared.map(({ registry }) => registry), 'signed-by-author': gem.signed } };
}
