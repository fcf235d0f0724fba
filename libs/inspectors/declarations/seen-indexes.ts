import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { changeKnowledge } from './change-knowledge.js';

const maxSeen = 16;
/** Of one file: an honest build has few indexes, and every one is a request. */
const maxCandidates = 4;
const maxUrl = 2048;

/** Remembers that the session uses an index, `/` at the end of its URL: files that a lock file names are looked up in it. */
export async function rememberIndex(knowledge: SessionKnowledge, family: string, index: { readonly url: string; readonly signal?: AbortSignal | undefined }): Promise<void> {
  if (index.url.length > maxUrl) return;
  index.signal?.throwIfAborted();
  await changeKnowledge(knowledge, keyOf(family), (before) => {
    const known = parseIndexes(before);
    return known.includes(index.url) || known.length >= maxSeen ? undefined : JSON.stringify([...known, index.url]);
  });
}

/** Indexes that may declare a file which nothing of the session declares yet: those of the configuration, then those that were seen. */
export async function candidateIndexes({ knowledge, configuration }: InspectionContext, family: string): Promise<readonly string[]> {
  const all = [...configuredIndexes(configuration, family), ...(await findIndexes(knowledge, family))];
  return [...new Set(all)].slice(0, maxCandidates);
}

/** `{"<family>": {"indexes": ["https://…"]}}` of the inspectors configuration; an index of cargo may have `sparse+` before it, as cargo writes it. */
function configuredIndexes(configuration: InspectionContext['configuration'], family: string): readonly string[] {
  const section = own(configuration, family);
  const indexes = isRecord(section) ? own(section, 'indexes') : undefined;
  if (indexes === undefined) return [];
  if (!Array.isArray(indexes)) throw refusal(`"${family}.indexes" of the inspectors configuration is not a list of URLs`);
  return indexes.map((item: unknown) => {
    const url = typeof item === 'string' ? item.replace(/^sparse\+/, '') : '';
    if (!/^https?:\/\//.test(url) || url.length > maxUrl || !URL.canParse(url)) throw refusal(`"${family}.indexes" of the inspectors configuration holds something that is not an http or https URL`);
    return normaliseIndex(url);
  });
}

/** With the port of https, as requests have it, and `/` at the end. */
function normaliseIndex(text: string): string {
  const url = new URL(text);
  const port = url.protocol === 'https:' && url.port === '' ? ':443' : '';
  return `${url.protocol}//${url.host}${port}${url.pathname}${url.pathname.endsWith('/') ? '' : '/'}`;
}

async function findIndexes(knowledge: SessionKnowledge, family: string): Promise<readonly string[]> {
  return parseIndexes(await knowledge.get(keyOf(family)));
}

function parseIndexes(value: string | undefined): readonly string[] {
  return value === undefined ? [] : (JSON.parse(value) as string[]); // written by this file only
}

function keyOf(family: string): string {
  return `${family}/indexes`;
}
