import { setTimeout as sleep } from 'node:timers/promises';
import type { Inspection } from '../../inspection/inspection.js';
import type { InspectedBody, SessionKnowledge } from '../../inspection/inspector.js';
import type { ReceivedFetch } from './received-fetch.js';

/**
 * What the inspector of a fetch tells those that look at what kind of project was fetched. They run in threads of their own, where the pack
 * would have to be read once more for each of them, so they hear of it by the session's knowledge.
 */
export interface FetchedRepository {
  readonly opinion: Inspection['opinion'];
  readonly depth: number | undefined;
  /** Refs and ids that were asked for. */
  readonly wants: number;
  readonly commit: ReceivedFetch['commit'];
  /** See `readProjectFiles`. */
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface FetchPlace {
  readonly repository: string;
  readonly body: InspectedBody;
  readonly knowledge: SessionKnowledge;
}

interface Stored extends Omit<FetchedRepository, 'files'> {
  readonly files: readonly (readonly [path: string, base64: string])[];
}

const maxFileBytes = 2_500_000;
const firstPause = 5;
const longestPause = 500;
/** Inspections have 60 s, and the one that is waited for began before. */
const waitLimit = 58_000;

/** Runs `receive` and leaves its result where `awaitFetched` finds it, whatever becomes of it. */
export async function handOver(place: FetchPlace, receive: () => Promise<ReceivedFetch>): Promise<ReceivedFetch> {
  try {
    const fetch = await receive();
    await put(place, { opinion: fetch.opinion, depth: fetch.asked.depth, wants: fetch.asked.wants.length + fetch.asked.wantedRefs.length, commit: fetch.commit, files: fitting(fetch.files) });
    return fetch;
  } catch (error) {
    await put(place, { opinion: 'Rejected', depth: undefined, wants: 0, commit: undefined, files: [] });
    throw error;
  }
}

/** Waits until the fetch has been judged; undefined when that does not come. */
export async function awaitFetched({ repository, body, knowledge }: FetchPlace, signal: AbortSignal | undefined): Promise<FetchedRepository | undefined> {
  let pause = firstPause;
  for (let waited = 0; waited < waitLimit; waited += pause) {
    signal?.throwIfAborted();
    const value = await knowledge.get(keyOf(repository, body));
    if (value !== undefined) {
      const stored = JSON.parse(value) as Stored; // written by this file only
      return { ...stored, files: new Map(stored.files.map(([path, base64]) => [path, Buffer.from(base64, 'base64')])) };
    }
    await sleep(pause);
    pause = Math.min(pause * 2, longestPause);
  }
  return undefined;
}

function put({ repository, body, knowledge }: FetchPlace, stored: Stored): Promise<void> {
  return knowledge.put(keyOf(repository, body), JSON.stringify(stored));
}

function fitting(files: ReadonlyMap<string, Buffer>): Stored['files'] {
  const kept: [string, string][] = [];
  let bytes = 0;
  for (const [path, content] of files) {
    bytes += content.length;
    if (bytes <= maxFileBytes) kept.push([path, content.toString('base64')]);
  }
  return kept;
}

function keyOf(repository: string, body: InspectedBody): string {
  return `git/fetched/${body.sha256}/${repository}`;
}
