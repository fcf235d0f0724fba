import type { ChangeView, DiffView, FoundOrigin, KnownPackageView, PackageView, PreviewView, RepositoryView, StateView } from './repository-api.js';
import { textTable } from './summary-table.js';
import { printable, readableSize, shorten } from './terminal.js';

/** Lines of one list on a screen; `--json` has them all. */
const most = 40;
/** In one line. */
const mostPlaces = 10;

export function repositoryTable(repositories: readonly RepositoryView[]): string {
  const rows = repositories.map(({ name, kind, state, packages, bytes, changedAt }) => [printable(name), printable(kind), String(state), String(packages), readableSize(bytes), printable(changedAt)]);
  return textTable(['name', 'kind', 'state', 'packages', 'size', 'changed'], rows, [2, 3, 4]);
}

export function repositoryText({ name, kind, state, packages, bytes, place, settings, links, createdBy, createdAt, changedAt, status, upkeep }: RepositoryView): string {
  return fields([
    ['name', name],
    ['kind', kind],
    ['state', `${state}, ${counted(packages, 'package')}, ${readableSize(bytes)}`],
    ['changed', changedAt],
    ['created', `${createdAt} by ${createdBy}`],
    ['store', `${place.store}, folder ${place.folder === '' ? '(none)' : place.folder}`],
    ['keys', (settings.keys ?? []).join(', ') || 'none: it is not signed'],
    ...(settings.maxBytes === undefined || settings.maxBytes === null ? [] : [['limit', `${readableSize(settings.maxBytes)} of packages and uploads`] as const]),
    ['files', links.files],
    ...(links.bucket === null ? [] : [['bucket', links.bucket] as const]),
    ...(status === undefined ? [] : [['workflow', status === null ? 'does not answer' : `${status.step}, ${status.waiting} waiting${status.trouble === null ? '' : `; ${status.trouble}`}`] as const]),
    ...turn('checked', upkeep?.check),
    ...turn('in sync', upkeep?.synchronisation),
  ]);
}

/** By the clock, the last time. */
function turn(label: string, last: NonNullable<RepositoryView['upkeep']>['check'] | undefined): readonly (readonly [string, string])[] {
  if (last === undefined || last === null) return [];
  return [[label, last.trouble === null ? last.at : `no: at ${last.at} it failed: ${last.trouble}`]];
}

export function packageTable(packages: readonly PackageView[]): string {
  const rows = packages.map(({ key, version, architecture, size, sha256 }) => [shorten(printable(key), 70), shorten(printable(version), 30), printable(architecture), readableSize(size), sha256.slice(0, 12)]);
  return textTable(['package', 'version', 'architecture', 'size', 'sha256'], rows, [3]);
}

export function packageText({ key, name, version, architecture, size, sha256, addedAt, publishedBy, listed, origin, url }: KnownPackageView, found: readonly FoundOrigin[]): string {
  const { found: byDigest, ...where } = origin;
  const origins = Object.entries(where).map(([word, value]) => `${word} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return fields([
    ['package', key],
    ['name', `${name} ${version} (${architecture})`],
    ['size', readableSize(size)],
    ['sha256', sha256],
    ['listed', listed.map(({ from, until }) => (until === null ? `since state ${from}` : `in states ${from} to ${until}`)).join(', ') || 'never'],
    ['added', `${addedAt} by ${publishedBy}`],
    ['origin', origins.length === 0 ? 'nobody has said' : `${origins.join(', ')}${byDigest === true ? ' (found by its digest)' : ''}`],
    ['seen in', seen(found)],
    ['file', url],
  ]);
}

/** By its digest; each place once. */
function seen(found: readonly FoundOrigin[]): string {
  const places = [...new Set(found.map(placeOf))];
  return [...places.slice(0, mostPlaces), ...(places.length > mostPlaces ? [`${places.length - mostPlaces} more`] : [])].join(', ');
}

function placeOf({ session, compose, cache, repository }: FoundOrigin): string {
  if (repository !== undefined) return `repository ${repository}`;
  if (compose !== undefined) return `compose ${compose}`;
  return cache === undefined ? `session ${session ?? ''}` : `cache ${cache.instance}: ${cache.key}`;
}

export function stateTable(states: readonly StateView[]): string {
  const rows = states.map(({ state, at, kinds, by, packages, added, removed }) => [String(state), printable(at), printable(kinds.join(', ')), shorten(printable(by.join(', ')), 32), String(packages), `+${added}`, `-${removed}`]);
  return textTable(['state', 'at', 'how', 'by', 'packages', 'added', 'removed'], rows, [0, 4, 5, 6]);
}

export function changeTable(changes: readonly ChangeView[]): string {
  const rows = changes.map(({ id, kind, phase, by, requestedAt, outcome, problem }) => [id, printable(kind), printable(phase), shorten(printable(by), 24), printable(requestedAt), outcome === null ? shorten(printable(problem?.message ?? ''), 60) : `state ${outcome.state}`]);
  return textTable(['change', 'kind', 'phase', 'by', 'asked for', 'outcome'], rows);
}

/** They make a state of the same packages. */
const listless: ReadonlySet<string> = new Set(['sign', 'configure']);

export function changeText({ id, kind, phase, outcome, problem }: ChangeView): string {
  if (outcome === null) return `Change ${id} (${printable(kind)}): ${printable(phase)}${problem === null ? '' : `; ${printable(problem.code)}: ${printable(problem.message)}`}.`;
  const lists = [named('added', outcome.added), named('there already', outcome.same), named('removed', outcome.removed), named('obsoleted', outcome.obsoleted)].filter((text) => text !== '');
  return [`State ${outcome.state}${lists.length === 0 && !listless.has(kind) ? ': nothing to change' : ''}.`, ...lists].join('\n');
}

export function previewText({ added, same, removed, obsoleted, problem }: PreviewView): string {
  const keys = (packages: readonly PackageView[]): readonly string[] => packages.map(({ key }) => key);
  const lists = [named('would be added', keys(added)), named('there already', same), named('would be removed', keys(removed)), named('would be obsoleted', keys(obsoleted))].filter((text) => text !== '');
  return [...lists, `${problem === null ? 'It would be done. ' : ''}Nothing was changed.`].join('\n');
}

export function diffText({ from, to, added, removed }: DiffView): string {
  const line = (sign: string, { key }: PackageView): string => `${sign} ${printable(key)}`;
  const lines = [...removed.map((each) => line('-', each)), ...added.map((each) => line('+', each))];
  return lines.length === 0 ? `States ${from} and ${to} list the same packages.` : lines.join('\n');
}

/** `1 package`, `2 packages`. */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

export function named(what: string, keys: readonly string[]): string {
  if (keys.length === 0) return '';
  const shown = keys.slice(0, most).map((key) => `  ${printable(key)}`);
  return [`${what}: ${keys.length}`, ...shown, ...(keys.length > most ? [`  … and ${keys.length - most} more`] : [])].join('\n');
}

function fields(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([label, value]) => `${label.padEnd(10)}  ${printable(value)}`).join('\n');
}
