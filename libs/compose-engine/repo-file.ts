import type { LinkedRepository } from '../compose/compose-plan.js';
import { variant } from './compose-layout.js';

/** The `.repo` file that clients of a compose give to dnf. `url`: of the tree, without a slash at its end. */
export function renderRepoFile(id: number, url: string): string {
  const base = `${url}/compose/${variant}`;
  const section = (name: string, place: string, enabled: boolean): string =>
    [
      `[${name}]`,
      `name=ODCS repository for compose ${name}`,
      `baseurl=${base}/${place}`,
      'type=rpm-md',
      'skip_if_unavailable=False',
      'gpgcheck=0',
      'repo_gpgcheck=0',
      `enabled=${enabled ? 1 : 0}`,
      'enabled_metadata=1',
      '',
    ].join('\n');
  const name = `odcs-${id}`;
  return [section(name, '$basearch/os', true), section(`${name}-debuginfo`, '$basearch/debug/tree', false), section(`${name}-source`, 'source/tree', false)].join('\n');
}

/** The same for repositories elsewhere, as ODCS writes it for those of Pulp. */
export function renderLinks(links: readonly LinkedRepository[]): string {
  return links.map(({ id, name, url, skipIfUnavailable }) => ['', `[${id}]`, `name=${name}`, `baseurl=${url}`, 'enabled=1', 'gpgcheck=0', ...(skipIfUnavailable ? ['skip_if_unavailable=1'] : []), ''].join('\n')).join('');
}
