import { z } from 'zod';
import type { CacheView, EntryItem, EvictionView, HistoryView } from './cache-api.js';
import { textTable } from './summary-table.js';
import { printable, readableSize, shorten } from './terminal.js';

export function cacheTable(caches: readonly CacheView[]): string {
  const rows = caches.map(({ name, usage, quota, limit }) => [printable(name), usage === null ? '?' : readableSize(usage.bytes), readableSize(quota.high), readableSize(limit), usage === null ? '?' : String(usage.blobs), usage === null ? '?' : String(usage.entries)]);
  return textTable(['instance', 'size', 'quota', 'limit', 'blobs', 'entries'], rows, [1, 2, 3, 4, 5]);
}

export function cacheText({ name, quota, limit, lease, maximumAge, usage, status }: CacheView): string {
  return fields([
    ['instance', name],
    ['size', usage === null ? 'unknown now' : `${readableSize(usage.bytes)} in ${usage.blobs} blobs, ${usage.entries} entries; ${readableSize(usage.kept)} of it in use`],
    ...(usage === null || usage.exported === 0 ? [] : [['exported', `${readableSize(usage.exported)} again as an OSTree repository`] as const]),
    ['quota', `${readableSize(quota.high)}, evicted down to ${readableSize(quota.low)}; pushes end at ${readableSize(limit)}`],
    ['kept', `${lease} s after use${maximumAge === null ? '' : `, at most ${maximumAge} s without`}`],
    ['upkeep', status === null || status === undefined ? 'does not answer' : statusText(status)],
  ]);
}

function statusText({ phase, paused, alarm, problem, lastEviction, lastVerification }: NonNullable<CacheView['status']>): string {
  return [
    `${phase}${paused ? ', eviction is paused' : ''}${alarm ? ', ALARM: it is too full' : ''}${problem === null ? '' : `; ${problem}`}`,
    ...(lastEviction === null ? [] : [`evicted ${readableSize(lastEviction.bytes)} at ${lastEviction.at}`]),
    ...(lastVerification === null ? [] : [`verified ${lastVerification.checked} blobs at ${lastVerification.at}, ${lastVerification.lost} lost`]),
  ].join('; ');
}

export function entryTable(entries: readonly EntryItem[]): string {
  const rows = entries.map(({ kind, key, target, valueBytes, usedAt, pushedBy, complete }) => [printable(kind), shorten(printable(key), 80), target === null ? `${valueBytes} B` : sizeOf(target), printable(usedAt), shorten(printable(pushedBy), 30), complete ? '' : 'incomplete']);
  return textTable(['kind', 'key', 'size', 'used', 'pushed by', ''], rows, [2]);
}

export function evictionText({ entries, blobs, bytes, dryRun }: EvictionView): string {
  return `${entries} entries and ${blobs} blobs ${dryRun ? 'would be' : 'were'} evicted: ${readableSize(bytes)}.`;
}

/** Who pushed it when, out of which session and build, and what became of it. */
export function historyText({ kind, key, present, items }: HistoryView): string {
  const lines = items.map(({ type, at, data }) => {
    const { by, reason, origin } = said.catch({}).parse(data);
    const origins = Object.entries(origin ?? {}).map(([word, value]) => `${word} ${value}`);
    return printable([`  ${at}  ${words[type] ?? type}`, ...(reason === undefined ? [] : [reason]), ...(by === undefined ? [] : [`by ${by}`]), ...(origins.length === 0 ? [] : [`(${origins.join(', ')})`])].join(' '));
  });
  return [printable(`${kind} ${key}: ${present ? 'in the cache' : 'not in the cache'}`), ...lines].join('\n');
}

const said = z.object({ by: z.string(), reason: z.string(), origin: z.record(z.string(), z.string()) }).partial();
const words: Readonly<Record<string, string>> = { CacheEntryPushed: 'pushed', CacheEntryRemoved: 'removed:' };

function sizeOf(digest: string): string {
  const size = /\/(\d+)$/.exec(digest)?.[1];
  return size === undefined ? '' : readableSize(Number(size));
}

function fields(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([label, value]) => `${label.padEnd(8)}  ${printable(value)}`).join('\n');
}
