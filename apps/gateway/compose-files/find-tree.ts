import { LRUCache } from 'lru-cache';
import { treeOf } from '../../../libs/compose/compose.js';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeReads } from '../../../libs/compose-record/compose-commands.js';
import { withDeadline } from '../http/with-deadline.js';

/** `id`: whose directory has the files. */
export type FoundTree = { readonly kind: 'tree'; readonly id: number; /** Its own compose is removed; others may have its files still. */ readonly removed?: Compose } | { readonly kind: 'removed'; readonly removed: Compose } | { readonly kind: 'private' | 'unknown' };

export type FindTree = (composeId: number) => Promise<FoundTree>;

const rememberMilliseconds = 1000;
const recordMilliseconds = 2000;

/**
 * Where the files of a compose are. Installing from one asks for thousands of files, so an answer holds for a second. While the record is away, a compose has
 * its own directory: what is there is not taken from those who use it.
 */
export function createFindTree(reads: Pick<ComposeReads, 'get'>): FindTree {
  const known = new LRUCache<number, Promise<FoundTree>>({ max: 10_000, ttl: rememberMilliseconds });
  return (composeId) => {
    const before = known.get(composeId);
    if (before !== undefined) return before;
    const found = withDeadline(reads.get(composeId), recordMilliseconds, () => new Error('no answer in time')).then(placeOf, (): FoundTree => ({ kind: 'tree', id: composeId }));
    known.set(composeId, found);
    return found;
  };
}

function placeOf(compose: Compose | undefined): FoundTree {
  if (compose === undefined) return { kind: 'unknown' };
  if (compose.request.targetDir !== 'default') return { kind: 'private' };
  if (compose.state !== 'removed') return { kind: 'tree', id: treeOf(compose) };
  // Whoever reuses its files was given addresses with its name.
  return compose.reusedId === null ? { kind: 'tree', id: compose.id, removed: compose } : { kind: 'removed', removed: compose };
}
