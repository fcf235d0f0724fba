import { treeOf, type Compose } from '../compose/compose.js';
import { repositoryPath, variant } from '../compose-engine/compose-layout.js';
import { renderSections } from '../compose-engine/repo-file.js';
import type { ComposeName } from './compose-names.js';

/** Below the directory of composes, the bucket and the public URL. */
export const latestDirectory = 'latest';

export interface NameFileOptions {
  /** Public URL of the directory of composes, without a slash at its end. */
  readonly composeUrl: string;
  /** Seconds that a compose stays after a name has moved on from it. */
  readonly graceSeconds: number;
  /** Whether `latest/<name>/` has the files of the compose; not so in a bucket, which has no links. */
  readonly follows: boolean;
}

/** What stands beside a name, below `latest`: path to text. `compose`: what it points at. */
export function nameFiles(name: ComposeName, compose: Compose, options: NameFileOptions): ReadonlyMap<string, string> {
  const files = new Map([[`${name.name}.json`, nameDocument(name, compose, options)]]);
  if (!hasRepositories(compose)) return files;
  for (const place of repositoryPlaces(compose)) files.set(`${name.name}.mirrors/${place}`, mirrorList(compose.id, place, options));
  return files.set(`${name.name}.repo`, nameRepoFile(name.name, options));
}

/** Composes of Pungi configurations have a layout of their own, and those of Pulp lead elsewhere. */
export function hasRepositories({ request }: Compose): boolean {
  return request.sourceType !== 'raw_config' && request.sourceType !== 'pulp';
}

/** Relative to `compose/Temporary`. */
export function repositoryPlaces({ request }: Compose): readonly string[] {
  const places = request.arches.flatMap((arch) => [repositoryPath('os', arch), repositoryPath('debug', arch)]);
  return [...places, repositoryPath('source', '')].map((place) => place.slice(variant.length + 1));
}

/**
 * dnf asks the list first, and reads metadata and packages from the one address that it finds there: so all of them are of one compose, however often the name
 * moves. What knows no lists has the name as its base.
 */
export function nameRepoFile(name: string, { composeUrl, graceSeconds, follows }: NameFileOptions): string {
  const top = `${composeUrl}/${latestDirectory}/${name}`;
  // As long as dnf relies on what it has read, the compose must be there; and it takes a list for something else if its address has this word.
  const lines = (place: string): readonly string[] => [...(follows ? [`baseurl=${top}/compose/${variant}/${place}`] : []), ...(follows && /metalink/.test(top) ? [] : [`mirrorlist=${top}.mirrors/${place}`])];
  return renderSections(name, (section, place) => [`name=Newest compose ${section}`, ...lines(place), `metadata_expire=${Math.max(1, Math.min(3600, Math.floor(graceSeconds / 2)))}`]);
}

/** The address of one repository in the compose itself. `place`: see `repositoryPlaces`. */
export function mirrorList(composeId: number, place: string, { composeUrl }: Pick<NameFileOptions, 'composeUrl'>): string {
  return `${composeUrl}/odcs-${composeId}/compose/${variant}/${place}/\n`;
}

export function nameDocument({ name, composeId, since }: ComposeName, compose: Compose, { composeUrl }: Pick<NameFileOptions, 'composeUrl'>): string {
  const url = `${composeUrl}/odcs-${composeId}`;
  return `${JSON.stringify({ name, compose_id: composeId, since, time_done: compose.doneAt, pungi_compose_id: compose.pungiComposeId, url: `${url}/` })}\n`;
}

/** What `latest/<name>` is a link to. */
export function linkTarget(compose: Compose): string {
  return `../odcs-${treeOf(compose)}`;
}
