import type { ListedPackage } from './listed-package.js';
import type { ListDraft } from './list-draft.js';

export interface VersionsRule {
  /** How many versions of a name and architecture stay. */
  readonly keep: number;
  readonly compareVersions: (one: string, other: string) => number;
}

/**
 * Listed packages that make room for newer ones. Only what is older than the newest of those that are added goes: whoever publishes an old version on purpose
 * keeps it until a newer one is published.
 */
export function obsoleteVersions(draft: ListDraft, added: readonly ListedPackage[], { keep, compareVersions }: VersionsRule): readonly ListedPackage[] {
  const groups = new Map<string, ListedPackage[]>();
  for (const one of added) {
    const group = `${one.name}\0${one.architecture}`;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [...groups.values()].flatMap((news) => {
    const [{ name, architecture } = { name: '', architecture: '' }] = news;
    const listed = draft.versions(name, architecture);
    const versions = distinctVersions([...news, ...listed].map(({ version }) => version), compareVersions);
    const newest = distinctVersions(news.map(({ version }) => version), compareVersions)[0];
    const oldestKept = versions[keep - 1];
    if (newest === undefined || oldestKept === undefined) return [];
    return listed.filter(({ version }) => compareVersions(version, oldestKept) < 0 && compareVersions(version, newest) < 0);
  });
}

/** Newest first; versions that compare as equal are one. */
function distinctVersions(versions: readonly string[], compareVersions: VersionsRule['compareVersions']): readonly string[] {
  const sorted = [...versions].sort((one, other) => compareVersions(other, one));
  return sorted.filter((version, index) => index === 0 || compareVersions(version, sorted[index - 1] ?? '') !== 0);
}
