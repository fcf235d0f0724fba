import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { PinnedInputs, PinnedRepository } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';

/**
 * Lower-case hex SHA-256. Composes with equal digests get the same files, so everything that changes a byte of them is in it, and nothing else:
 * neither owner and time to live, nor the order of what is a set. Label and type stand in the files' own metadata (ODCS loses those of whoever comes second).
 */
export function inputsDigest(composeId: number, { request, sources, lookaside, koji, links, modules, kojiEvent }: PinnedInputs): string {
  return canonicalDigest({
    ...(request.flags.includes('no_reuse') || request.sourceType === 'raw_config' ? { onlyFor: composeId } : {}),
    targetDir: request.targetDir,
    respinOf: request.respinOf,
    label: request.label,
    composeType: request.composeType,
    parents: sorted(request.parentPungiComposeIds),
    ...(request.pinnedPlan === null
      ? { request: content(request), ...pinned(koji, kojiEvent), ...(links === undefined ? {} : { links }), ...(modules === undefined ? {} : { modules: modules.document }), sources: sources.map(repository), lookaside: lookaside.map(repository).sort(byUrl) }
      : { plan: request.pinnedPlan }),
  });
}

/** What a hub has is told by its list of packages: another event with the same list makes no other compose. */
function pinned(koji: PinnedInputs['koji'], kojiEvent: number | null): object {
  return koji === undefined ? { kojiEvent } : { koji: { hub: koji.hub, listing: koji.listing } };
}

/** Lower-case hex SHA-256 of RFC 8785's canonical JSON. */
export function canonicalDigest(value: object): string {
  return createHash('sha256').update(canonicalize(value) ?? '', 'utf8').digest('hex');
}

function content(request: ComposeRequest): object {
  const { sourceType, source, sigkeys, moduleDefaults, baseModule } = request;
  return {
    sourceType,
    source,
    sigkeys,
    moduleDefaults,
    baseModule,
    packages: sorted(request.packages),
    builds: sorted(request.builds),
    modularKojiTags: sorted(request.modularKojiTags),
    modules: sorted(request.modules),
    scratchModules: sorted(request.scratchModules),
    scratchBuildTasks: sorted(request.scratchBuildTasks),
    flags: sorted(request.flags),
    results: sorted(request.results),
    arches: sorted(request.arches),
    multilibArches: sorted(request.multilibArches),
    multilibMethods: sorted(request.multilibMethods),
  };
}

function repository({ url, arches, repomdSha256 }: PinnedRepository): { readonly url: string } {
  return { url, ...{ arches: sorted(arches), repomdSha256 } };
}

function sorted(items: readonly string[]): string[] {
  return [...items].sort();
}

function byUrl(a: { readonly url: string }, b: { readonly url: string }): number {
  return a.url < b.url ? -1 : a.url > b.url ? 1 : 0;
}
