import type { LinkedRepository } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { MillraceError } from '../errors/millrace-error.js';
import { mostRepositories, type FoundRepositories, type PulpRepository } from './pulp-repository.js';

export type PulpRequest = Pick<ComposeRequest, 'source' | 'flags' | 'arches' | 'sigkeys'>;

/** What a compose says of itself when Pulp has been asked, as in ODCS. */
export interface SettledLinks extends Pick<ComposeRequest, 'source' | 'arches' | 'sigkeys'> {
  /** Sorted by id. */
  readonly links: readonly LinkedRepository[];
}

/** Which of the repositories a compose points to. Errors: `unresolvable`, naming all that are absent; `source-invalid` for what no `.repo` file can say. */
export function settleLinks(server: string, request: PulpRequest, found: FoundRepositories): SettledLinks {
  const has = (flag: ComposeRequest['flags'][number]): boolean => request.flags.includes(flag);
  const usable = new Map<string, readonly PulpRepository[]>();
  for (const source of request.source) {
    const members = (found.get(source) ?? []).filter(({ url, published }) => url !== undefined && (published || has('include_unpublished_pulp_repos')));
    if (members.length > 0) usable.set(source, members);
  }
  const absent = request.source.filter((source) => !usable.has(source));
  if (absent.length > 0 && !has('ignore_absent_pulp_repos')) throw refuseAbsent(server, absent, found);
  const repositories = [...new Map([...usable.values()].flat().map((each) => [each.name, each])).values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  if (repositories.length > mostRepositories) throw new MillraceError('source-invalid', `the Pulp server ${server} has ${repositories.length} repositories for this compose; ${mostRepositories} are the most that one compose points to`);
  const ids = new Set<string>();
  const links = repositories.map((each) => asLink(each, { ids, onlyCompatible: has('use_only_compatible_arch') }));
  const arches = sorted(repositories.flatMap((each) => each.arches));
  return {
    // Sorted where it is not what was asked for, as ODCS writes it.
    source: absent.length === 0 ? request.source : sorted([...usable.keys()]),
    arches: arches.length === 0 ? request.arches : arches,
    sigkeys: repositories.length === 0 ? request.sigkeys : sorted(repositories.flatMap((each) => each.sigkeys)),
    links,
  };
}

function refuseAbsent(server: string, absent: readonly string[], found: FoundRepositories): MillraceError {
  const [hidden, unknown] = [absent.filter((source) => found.has(source)), absent.filter((source) => !found.has(source))];
  const reasons = [
    ...(unknown.length === 0 ? [] : [`has no content set or repository ${unknown.join(', ')}`]),
    ...(hidden.length === 0 ? [] : [`has published nothing of ${hidden.join(', ')}`]),
  ];
  return new MillraceError('unresolvable', `the Pulp server ${server} ${reasons.join(' and ')}`, {
    suggestion: 'Correct the names; the flags ignore_absent_pulp_repos and include_unpublished_pulp_repos make a compose of what there is.',
  });
}

function asLink({ name, url, arches }: PulpRepository, { ids, onlyCompatible }: { readonly ids: Set<string>; readonly onlyCompatible: boolean }): LinkedRepository {
  const place = plainUrl(name, url as string);
  return { id: sectionId(name, ids), name: name.replace(/[\0-\x1f\x7f]/g, ' '), url: onlyCompatible ? forEveryArch(place, arches) : place, arches, skipIfUnavailable: onlyCompatible };
}

/** It stands in a file that others read line by line, with variables. */
function plainUrl(name: string, text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new MillraceError('source-invalid', `Pulp says of the repository ${name.slice(0, 200)} that it is at ${JSON.stringify(text.slice(0, 200))}, which is no http(s) address`, { suggestion: 'Set content-url in the file of MILLRACE_PULP.' });
  if (url.username !== '' || url.password !== '') throw new MillraceError('source-invalid', `Pulp gives the repository ${name.slice(0, 200)} an address with credentials in it, which everybody could read in the .repo file`);
  return url.href.replaceAll('$', '%24');
}

/** As in ODCS, but for the host's name. */
function forEveryArch(url: string, [arch, ...others]: readonly string[]): string {
  if (arch === undefined || others.length > 0) return url;
  const { origin } = new URL(url);
  return `${origin}${url.slice(origin.length).replaceAll(arch, '$basearch')}`;
}

/** dnf accepts few signs there; what becomes equal by that is numbered. */
function sectionId(name: string, ids: Set<string>): string {
  const plain = name.replace(/[^A-Za-z0-9._:-]/g, '_').slice(0, 200);
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? plain : `${plain}-${number}`;
    if (ids.has(id)) continue;
    ids.add(id);
    return id;
  }
}

function sorted(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}
