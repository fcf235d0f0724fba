import { resolveLocation } from '../session/resolve-location.js';
import type { ArtefactDownloaded } from '../session/session-events.js';

/** Steps of one chain that a report shows, and URLs that are remembered in all: a hostile origin may redirect without end. */
const longestChain = 20;
const mostUrls = 100_000;

/**
 * Which redirects of a session led to a URL, from its events in their order. Credentials in URLs are redacted on both sides alike, so that
 * two signed links to one object count as one.
 */
export interface RedirectTrail {
  /** URLs from the first that was asked for to the last before `url`; empty when no redirect led to it. */
  chainTo(url: string): readonly string[];
  add(data: ArtefactDownloaded['data']): void;
}

export function createRedirectTrail(): RedirectTrail {
  const ledFrom = new Map<string, readonly string[]>();
  return {
    chainTo: (url) => ledFrom.get(url) ?? [],
    add({ request, response }) {
      const location = response.status >= 300 && response.status < 400 ? response.responseHeader['Location']?.[0] : undefined;
      const target = location === undefined ? undefined : resolveLocation(request.url, location);
      if (target === undefined || target === request.url || (ledFrom.size >= mostUrls && !ledFrom.has(target))) return;
      const before = ledFrom.get(request.url) ?? [];
      // A circle ends where it began.
      if (!before.includes(target)) ledFrom.set(target, [...before, request.url].slice(-longestChain));
    },
  };
}
