import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { normalisePath } from '../declarations/declared-url.js';
import { parseChannelPath, type ChannelPath } from './channel-path.js';
import { findPackage } from './declared-packages.js';
import { findInShards } from './repodata-shards.js';
import { readConda, readTarBz2, type CondaPackage } from './package-archive.js';

type PackagePath = Extract<ChannelPath, { kind: 'package' }>;

/** Packages of conda channels, see docs/reference/inspectors/conda.md. */
export const condaPackageInspector: Inspector = {
  id: 'conda.package',
  inspectRequest: (request) => (askedPackage(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a conda package' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedPackage(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    const found = asked.format === 'conda' ? await readConda(body, response, context) : await readTarBz2(body, context);
    const file = `${found.name}-${found.version}-${found.build}.${asked.format}`;
    const opinion: ResponseInspection =
      file === asked.file
        ? await judge(asked, { request, body, context })
        : { opinion: 'Rejected', reason: `the package is ${file}, but its URL is that of ${asked.file.slice(0, 256)}` };
    return { ...opinion, metadata: { ...found.metadata, type: 'application/x.conda.package', name: found.name, version: found.version, purl: purlOf(found, asked.format) } };
  },
};

function askedPackage(request: InspectedRequest): PackagePath | undefined {
  const asked = request.method === 'GET' ? parseChannelPath(request.path) : undefined;
  return asked?.kind === 'package' ? asked : undefined;
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(asked: PackagePath, { request, body, context }: Subject): Promise<ResponseInspection> {
  const place = request.origin + normalisePath(asked.directory);
  const declared = await findDigests(place, asked.file, context);
  if (declared.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the package is sound, but no repodata of this session declare a SHA-256 digest for ${asked.file}: it cannot be checked; let the client read repodata.json (or .zst) of the channel through the proxy, from a channel whose repodata have sha256`,
    };
  }
  // Returned, not thrown: the report then names the package that was not in order.
  const actual = await digestBody(body, 'sha256', context);
  // All of them: a channel may say of its files that they lie where those of another do.
  if (declared.some((digest) => digest !== actual)) return { opinion: 'Rejected', reason: "the package's SHA-256 digest is not the one that the repodata declare" };
  return { opinion: 'Approved', reason: 'valid conda package', annotations: { 'declared-by': place } };
}

/** Lock files name packages by URL; then nobody has asked for the repodata, so the proxy does. */
async function findDigests(place: string, file: string, { knowledge, consult }: InspectionContext): Promise<readonly string[]> {
  const known = [...(await findPackage(knowledge, place, file)), ...(await findInShards(knowledge, place, file))];
  if (known.length > 0 || consult === undefined) return known;
  for (const document of ['repodata.json.zst', 'repodata.json']) {
    await consult(place + document);
    const found = await findPackage(knowledge, place, file);
    if (found.length > 0) return found;
  }
  return [];
}

function purlOf({ name, version, build, subdir }: CondaPackage, format: string): string {
  const qualifiers = [`build=${encodeURIComponent(build)}`, ...(subdir === '' ? [] : [`subdir=${encodeURIComponent(subdir)}`]), `type=${format}`];
  return `pkg:conda/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${qualifiers.join('&')}`;
}
