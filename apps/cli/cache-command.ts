import { MillraceError } from '../../libs/errors/millrace-error.js';
import { evict, findCache, findHistory, listCaches, listEntries, removeEntry, tellEviction, verify, type AskedEntry } from './cache-api.js';
import { cacheTable, cacheText, entryTable, evictionText, historyText } from './cache-texts.js';
import type { SessionCommandContext } from './session-command.js';
import { printable } from './terminal.js';

export interface CacheCommandContext extends SessionCommandContext {
  readonly instance: string;
}

export async function cacheStats(context: SessionCommandContext, instance: string | undefined): Promise<void> {
  if (instance === undefined) {
    const list = await listCaches(context.client);
    return print(context, list, () => cacheTable(list.items));
  }
  const cache = await findCache(context.client, instance);
  print(context, cache, () => cacheText(cache));
}

export async function cacheList({ instance, ...context }: CacheCommandContext, query: Readonly<Record<string, string | undefined>>): Promise<void> {
  const page = await listEntries(context.client, instance, query);
  print(context, page, () => (page.items.length === 0 ? 'No entries.' : `${entryTable(page.items)}${page.nextCursor === null ? '' : `\nMore: --cursor ${printable(page.nextCursor)}`}`));
}

export interface AskedWhy extends Omit<AskedEntry, 'kind'> {
  readonly kind: string | undefined;
}

export async function cacheWhy({ instance, ...context }: CacheCommandContext, { kind, ...asked }: AskedWhy): Promise<void> {
  const history = await findHistory(context.client, instance, { ...asked, kind: kind ?? (await kindOf({ instance, ...context }, asked.key)) });
  print(context, history, () => historyText(history));
}

/** Keys of different tools look different: mostly there is one kind. */
async function kindOf({ instance, client }: CacheCommandContext, key: string): Promise<string> {
  const { items } = await listEntries(client, instance, { prefix: key, limit: '500' });
  const kinds = [...new Set(items.filter((item) => item.key === key).map((item) => item.kind))];
  const [kind] = kinds;
  if (kind === undefined) throw new MillraceError('entry-not-found', `the cache ${instance} has no entry ${key} now`, { suggestion: 'Of one that is gone, --kind says which it was.' });
  if (kinds.length > 1) throw new MillraceError('invalid-request', `there are entries ${key} of several kinds: ${kinds.join(', ')}`, { suggestion: 'Say which with --kind.' });
  return kind;
}

export async function cacheRemove({ instance, ...context }: CacheCommandContext, asked: AskedEntry): Promise<void> {
  await removeEntry(context.client, instance, asked);
  print(context, { instance, ...asked, removed: true }, () => `The entry is removed. Its blobs go when nothing needs them.`);
}

export async function cacheEvict({ instance, ...context }: CacheCommandContext, { dryRun, toBytes }: { readonly dryRun: boolean; readonly toBytes: number | undefined }): Promise<void> {
  const done = await evict(context.client, instance, { dryRun, ...(toBytes === undefined ? {} : { toBytes }) });
  print(context, done, () => evictionText(done));
}

/** Resolves to whether nothing was lost. */
export async function cacheVerify({ instance, ...context }: CacheCommandContext): Promise<boolean> {
  const done = await verify(context.client, instance);
  print(context, done, () => `${done.checked} blobs were read. ${done.lost === 0 ? 'All are what they should be.' : `${done.lost} were lost or had other bytes; they are misses now.`}`);
  return done.lost === 0;
}

export async function cacheTell({ instance, ...context }: CacheCommandContext, what: 'pause' | 'resume'): Promise<void> {
  await tellEviction(context.client, instance, what);
  print(context, { instance, paused: what === 'pause' }, () => (what === 'pause' ? `Eviction is paused: pushes are refused when the cache is at its limit.` : `Eviction goes on.`));
}

export function print({ json, terminal }: Pick<SessionCommandContext, 'json' | 'terminal'>, value: unknown, text: () => string): void {
  terminal.out(`${json ? JSON.stringify(value) : text()}\n`);
}
