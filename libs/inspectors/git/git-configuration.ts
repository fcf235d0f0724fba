import { own, isRecord } from '../../inspection/bounded-json.js';
import { compileGlob } from '../../policy/glob.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';
import { formatOfId } from './object-id.js';

const maxUrls = 1000;
const maxCommits = 10_000;

/** Whether the URL matches `<family>.urls` of the configuration: globs in which `**` crosses slashes. Undefined when the family has no `urls`. */
export function matchesConfiguredUrls(configuration: InspectorsConfiguration, family: 'git' | 'crafts', url: string): boolean | undefined {
  const urls = configuredList(configuration, family, 'urls');
  if (urls === undefined) return undefined;
  return urls.slice(0, maxUrls).some((glob) => compileGlob(glob)(url));
}

/** `git.commits`: ids that may be fetched although no ref names them. */
export function pinnedCommits(configuration: InspectorsConfiguration): readonly string[] {
  const commits = configuredList(configuration, 'git', 'commits') ?? [];
  return commits.slice(0, maxCommits).filter((id) => formatOfId(id) !== undefined);
}

function configuredList(configuration: InspectorsConfiguration, family: string, key: string): readonly string[] | undefined {
  const section = own(configuration, family);
  const list = isRecord(section) ? own(section, key) : undefined;
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : undefined;
}
