import { compileGlob } from '../../policy/glob.js';
import type { ConfiguredRepository } from './apt-configuration.js';
import { directoriesAbove } from './repository-path.js';

/** A repository as `sources.list` names it: root and suite. */
interface Place {
  /** URL without a slash at its end. */
  readonly root: string;
  /** `bookworm`, `stable/updates`; for a flat repository the directory below the root, with a slash at its end. */
  readonly suite: string;
}

/** What the configuration says of a release's directory. */
export type RepositoryMatch = { readonly repository: ConfiguredRepository } | { readonly otherSuite: ConfiguredRepository };

/**
 * The configured repository whose URL and suite are those of the release at `base` (URL path, `/` at its end). `otherSuite`: only the URL is.
 * `suites` are the names that the Release file gives itself: a configured suite may be one of them.
 */
export function matchRepository(repositories: readonly ConfiguredRepository[], release: { origin: string; base: string; suites: readonly string[] }): RepositoryMatch | undefined {
  let otherSuite: ConfiguredRepository | undefined;
  for (const repository of repositories) {
    const urls = repository.urls.map((url) => compileGlob(withoutSlash(url)));
    for (const { root, suite } of placesOf(release.origin, release.base)) {
      if (!urls.some((matches) => formsOf(root).some(matches))) continue;
      if (matchesAny(repository.suites, [suite, withoutSlash(suite), ...release.suites])) return { repository };
      otherSuite ??= repository;
    }
  }
  return otherSuite === undefined ? undefined : { otherSuite };
}

/** Whether a component is one of those configured; none configured: all. */
export function matchesAny(globs: readonly string[], names: readonly string[]): boolean {
  // A lone asterisk means all, also of suites with a slash in them.
  return globs.length === 0 || globs.some((glob) => glob === '*' || names.some(compileGlob(glob)));
}

/** The component of an index, by its path below the release; undefined for what belongs to none. */
export function componentOf(name: string): string | undefined {
  return /^(.+?)\/(?:binary-[^/]+|source|i18n|dep11|cnf|debian-installer|Contents-[^/]+)(?:\/|$)/.exec(name)?.[1];
}

function placesOf(origin: string, base: string): readonly Place[] {
  const flat = directoriesAbove(base).map((directory) => ({ root: withoutSlash(origin + directory), suite: base === directory ? './' : base.slice(directory.length) }));
  const places: Place[] = [];
  for (let at = base.indexOf('/dists/'); at >= 0; at = base.indexOf('/dists/', at + 1))
    places.push({ root: origin + base.slice(0, at), suite: withoutSlash(base.slice(at + '/dists/'.length)) });
  return places.length > 0 ? places : flat;
}

/** Globs are written with the port of https, as fetch-service has them, or without. */
function formsOf(root: string): readonly string[] {
  return [root, root.replace(/^(https:\/\/[^/]+):443(?=\/|$)/, '$1')];
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, '');
}
