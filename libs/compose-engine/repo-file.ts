import type { LinkedRepository } from '../compose/compose-plan.js';
import { repositoryPath, variant } from './compose-layout.js';

/** The `.repo` file that clients of a compose give to dnf. `url`: of the tree, without a slash at its end. */
export function renderRepoFile(id: number, url: string): string {
  const name = `odcs-${id}`;
  return renderSections(name, (section, place) => [`name=ODCS repository for compose ${section}`, `baseurl=${url}/compose/${variant}/${place}`]);
}

/** Relative to `compose/Temporary`, dnf's variable in the place of the architecture. */
const repositories = { '': placeOf('os'), '-debuginfo': placeOf('debug'), '-source': placeOf('source') } as const;

function placeOf(part: Parameters<typeof repositoryPath>[0]): string {
  return repositoryPath(part, '$basearch').slice(variant.length + 1);
}

/** A section for each kind of repository in a compose; `describe` has the lines that say where it is. */
export function renderSections(name: string, describe: (section: string, place: string) => readonly string[]): string {
  return Object.entries(repositories)
    .map(([suffix, place]) => {
      const section = `${name}${suffix}`;
      return [`[${section}]`, ...describe(section, place), 'type=rpm-md', 'skip_if_unavailable=False', 'gpgcheck=0', 'repo_gpgcheck=0', `enabled=${suffix === '' ? 1 : 0}`, 'enabled_metadata=1', ''].join('\n');
    })
    .join('\n');
}

/** The same for repositories elsewhere, as ODCS writes it for those of Pulp. */
export function renderLinks(links: readonly LinkedRepository[]): string {
  return links.map(({ id, name, url, skipIfUnavailable }) => ['', `[${id}]`, `name=${name}`, `baseurl=${url}`, 'enabled=1', 'gpgcheck=0', ...(skipIfUnavailable ? ['skip_if_unavailable=1'] : []), ''].join('\n')).join('');
}
