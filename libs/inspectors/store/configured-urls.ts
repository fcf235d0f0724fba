import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';
import { compileGlob } from '../../policy/glob.js';

/** Whether a normalised URL is one of those configured; undefined when none are. */
export type UrlFilter = ((url: string) => boolean) | undefined;

const maxUrls = 256;
/** Configurations do not change while they are in use, and this is asked for every request. */
const compiled = new WeakMap<InspectorsConfiguration, Map<string, UrlFilter>>();

/**
 * The filter of `{"<key>": {"urls": [glob]}}` in `inspectors-configuration`, globs over
 * normalised URLs as fetch-service has them. One of another form matches nothing: a throw here would refuse every request of the session.
 */
export function configuredUrls(configuration: InspectorsConfiguration, key: 'chisel' | 'store' | 'bldbin'): UrlFilter {
  const filters = compiled.get(configuration) ?? new Map<string, UrlFilter>();
  compiled.set(configuration, filters);
  if (!filters.has(key)) filters.set(key, readFilter(configuration, key));
  return filters.get(key);
}

function readFilter(configuration: InspectorsConfiguration, key: string): UrlFilter {
  const section = own(configuration, key);
  const urls = isRecord(section) ? own(section, 'urls') : undefined;
  if (urls === undefined) return undefined;
  const texts = Array.isArray(urls) ? urls.filter((url) => typeof url === 'string').slice(0, maxUrls) : [];
  const globs = texts.map((url) => compileGlob(url));
  return (url) => globs.some((matches) => matches(withoutQuery(url)));
}

function withoutQuery(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
