import type { PinnedInputs, PinnedKoji, PinnedRepository } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { isMissingFile } from '../repository-source/download.js';
import type { KojiSource } from '../koji/koji-source.js';
import type { RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import { mostRepositories, variantOf } from './check-request.js';
import { forEachAtOnce } from './for-each-at-once.js';
import { readVariantContents } from './pungi-compose-metadata.js';
import { placesOf, withoutEndingSlash, type RepositoryPlace } from './repository-places.js';

export interface PinningParts {
  readonly source: RepositorySource;
  readonly koji: KojiSource | undefined;
}

/**
 * Fetches what pins the sources of a request: every `repomd.xml`, of Pungi composes their list of packages, of tags and builds what the Koji hub has of them.
 * Errors: those of `RepositorySource` and `KojiSource`.
 */
export async function pinSources({ source, koji }: PinningParts, asked: ComposeRequest, options: SourceOptions): Promise<PinnedInputs> {
  // A renewal has the packages of its plan, wherever the sources are by now.
  if (asked.pinnedPlan !== null) return { request: asked, sources: [], lookaside: [], kojiEvent: asked.kojiEvent };
  const pungi = asked.sourceType === 'pungi_compose' ? await readPungiCompose(source, asked, options) : undefined;
  const request = pungi?.request ?? asked;
  const pinnedKoji = isOfKoji(request) ? await pinKoji(koji, request, options) : undefined;
  const places = pungi?.places ?? (isOfKoji(request) ? [] : placesOf(request.source, request.arches));
  const sources = await pinAll(source, places, options);
  const lookaside = await pinAll(source, placesOf(request.lookasideRepos, request.arches), options);
  if (pinnedKoji !== undefined) return { request, sources, lookaside, koji: pinnedKoji, kojiEvent: pinnedKoji.event };
  return { request, sources, lookaside, kojiEvent: request.sourceType === 'repo' ? revisionNumber(sources) : request.kojiEvent };
}

async function pinKoji(koji: KojiSource | undefined, request: ComposeRequest, options: SourceOptions): Promise<PinnedKoji> {
  if (koji === undefined) throw new MillraceError('invalid-setting', 'this compose has packages of a Koji hub, and this worker knows no hub', { suggestion: 'Set MILLRACE_KOJI_HUB on every gateway and worker alike.' });
  return koji.pin(request, options);
}

function isOfKoji({ sourceType }: ComposeRequest): boolean {
  return sourceType === 'tag' || sourceType === 'build';
}

async function readPungiCompose(source: RepositorySource, asked: ComposeRequest, options: SourceOptions): Promise<{ readonly request: ComposeRequest; readonly places: readonly RepositoryPlace[] }> {
  const url = withoutEndingSlash(asked.source[0] as string);
  const variant = variantOf(url);
  const compose = url.slice(0, -variant.length - 1);
  const list = `${compose}/metadata/rpms.json`;
  const contents = readVariantContents(await source.read(list, options), variant, list);
  const arches = contents.arches.filter((arch) => arch !== 'src');
  if (arches.length === 0) throw new MillraceError('source-invalid', `${list} lists no package of ${variant}`);
  const places = arches.flatMap((arch): RepositoryPlace[] => [
    { url: `${url}/${arch}/os`, arches: [arch] },
    { url: `${url}/${arch}/debug/tree`, arches: [arch], optional: true },
  ]);
  // As in ODCS, the compose stands for what the request could else say of packages and keys.
  const request = { ...asked, arches, packages: contents.packages, builds: contents.builds, sigkeys: contents.sigkeys };
  return { request, places: [...places, { url: `${url}/source/tree`, arches, optional: true }] };
}

/** Requests for `repomd.xml` at once. */
const atOnce = 32;

async function pinAll(source: RepositorySource, places: readonly RepositoryPlace[], options: SourceOptions): Promise<PinnedRepository[]> {
  if (places.length > mostRepositories) throw new MillraceError('source-invalid', `the compose is made of ${places.length} repositories; ${mostRepositories} are the most that one compose takes`);
  const pinned = new Map<RepositoryPlace, PinnedRepository>();
  await forEachAtOnce(places, atOnce, async (place) => {
    const { url, arches, optional } = place;
    try {
      pinned.set(place, { url, arches: [...arches].sort(), ...(await source.pin(url, options)) });
    } catch (error) {
      if (optional !== true || !isMillraceError(error) || !isMissingFile(error.cause)) throw error;
    }
  });
  return places.flatMap((place) => pinned.get(place) ?? []);
}

function revisionNumber(sources: readonly PinnedRepository[]): number | null {
  const revisions = sources.map(({ revision }) => revision).filter((revision) => /^[0-9]{1,15}$/.test(revision));
  return revisions.length === 0 ? null : Math.max(...revisions.map(Number));
}
