import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { resolveLocation } from '../../session/resolve-location.js';
import type { LiveSession } from '../ports.js';

/** Characters of URLs, for all sessions: whoever is forgotten here is still in the session's knowledge. */
const rememberedPerProcess = 16 * 1024 * 1024;

/**
 * Which URL of a session led to which by a redirect, so that what comes from the second is judged as the content of the first: an index
 * declares the first, and a content network's URL tells nothing. In memory for this process and in the session's knowledge for the others.
 */
export interface RedirectMemory {
  /** `location` as the response has it, relative to the URL that was asked. Resolves when other processes know it, too. */
  remember(session: LiveSession, redirect: { readonly from: string; readonly location: string; readonly judgedAs: string }): Promise<void>;
  /** The URL as whose content `url` is to be judged; undefined when nothing led to it. Rejects when the record cannot be asked. */
  find(session: LiveSession, url: string): Promise<string | undefined>;
}

export function createRedirectMemory(): RedirectMemory {
  const known = new LRUCache<string, string>({ maxSize: rememberedPerProcess, sizeCalculation: (judgedAs, url) => judgedAs.length + url.length + 128 });
  return {
    async remember(session, { from, location, judgedAs }) {
      const url = resolveLocation(from, location);
      if (url === undefined || url === judgedAs) return;
      known.set(`${session.id} ${url}`, judgedAs);
      await session.knowledge.put(knowledgeKey(url), judgedAs);
    },
    async find(session, url) {
      return known.get(`${session.id} ${url}`) ?? (await session.knowledge.get(knowledgeKey(url)));
    },
  };
}

function knowledgeKey(url: string): string {
  return `redirect/${createHash('sha256').update(url).digest('hex')}`;
}
