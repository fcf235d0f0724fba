import type { Inspection } from '../../inspection/inspection.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';
import type { FetchResponse } from './fetch-response.js';
import { matchesConfiguredUrls, pinnedCommits } from './git-configuration.js';
import { loadSubmodules } from './known-objects.js';
import type { KnownRefs } from './known-refs.js';
import type { ObjectType } from './object-id.js';
import type { MissingObject, ObjectReferences } from './object-references.js';
import type { ObjectTable } from './object-table.js';
import type { Pack } from './pack-reader.js';
import type { UploadPackRequest } from './upload-pack-request.js';

export interface FetchOpinion {
  readonly opinion: Inspection['opinion'];
  readonly reason: string;
}

export interface PackJudgement extends FetchOpinion {
  /** Wanted ids in hex, those of refs that were wanted by name included. */
  readonly wants: readonly string[];
  /** Objects that a partial clone left out. */
  readonly leftOut: readonly Buffer[];
}

export interface ReceivedPack {
  readonly asked: UploadPackRequest;
  readonly answer: FetchResponse;
  /** What the repository listed in this session. */
  readonly refs: KnownRefs;
  readonly pack: Pack;
  readonly references: ObjectReferences;
  /** What the client has of this repository from earlier fetches of the session, and what these left out. */
  readonly received: ObjectTable;
  readonly promised: ObjectTable;
  readonly context: InspectionContext;
}

/** With `git.urls` configured, fetch-service's rule holds: version 2, depth 1, one ref. */
export function checkConfiguredRule(asked: UploadPackRequest, configuration: InspectorsConfiguration): FetchOpinion | undefined {
  if (matchesConfiguredUrls(configuration, 'git', '') === undefined) return undefined;
  if (asked.version !== 2) return { opinion: 'Rejected', reason: 'fetch is only allowed with protocol version 2: git config --global protocol.version 2' };
  if (asked.depth !== 1) return { opinion: 'Rejected', reason: 'fetch is only allowed with depth 1' };
  if (asked.wants.length + asked.wantedRefs.length !== 1) return { opinion: 'Rejected', reason: 'fetch is allowed only on a single ref' };
  return undefined;
}

/** Whether what was received is all of what was wanted, and what was wanted is what this session knows of. */
export async function judgePack(fetch: ReceivedPack): Promise<PackJudgement> {
  const wants = [...new Set([...fetch.asked.wants, ...fetch.answer.wantedRefs.map(({ id }) => id)])];
  const missing = fetch.references.missing(fetch.pack).filter(({ id }) => fetch.received.find(id) < 0 && fetch.promised.find(id) < 0);
  const filtered = typesLeftOut(fetch.asked.filter);
  const leftOut = missing.filter(({ type }) => filtered.includes(type));
  const opinion = checkComplete(fetch, { wants, missing: missing.filter((object) => !leftOut.includes(object)) }) ?? (await checkDeclared(fetch));
  const reason = fetch.asked.filter === undefined ? 'valid git fetch' : `valid git fetch, objects left out as the client asked (${fetch.asked.filter.slice(0, 100)})`;
  return { ...(opinion ?? { opinion: 'Approved', reason }), wants, leftOut: leftOut.map(({ id }) => Buffer.from(id)) };
}

/** Types of objects that a filter of a partial clone may leave out (git-rev-list, `--filter`). */
function typesLeftOut(filter: string | undefined): readonly ObjectType[] {
  if (filter === undefined) return [];
  return /^(?:blob:|sparse:)/.test(filter) ? ['blob'] : ['blob', 'tree'];
}

function checkComplete({ asked, pack, received }: ReceivedPack, { wants, missing }: { wants: readonly string[]; missing: readonly MissingObject[] }): FetchOpinion | undefined {
  const isKnown = (id: string): boolean => received.find(Buffer.from(id, 'hex')) >= 0;
  const unseen = [...asked.haves, ...asked.shallow].find((id) => !isKnown(id));
  if (pack.unresolved > 0) {
    if (asked.haves.length === 0 && asked.shallow.length === 0)
      return { opinion: 'Rejected', reason: `the pack has ${pack.unresolved} deltas upon objects that are not in it, and the client has nothing` };
    return unresolved(pack.unresolved, unseen);
  }
  const unsent = wants.find((id) => pack.objects.find(Buffer.from(id, 'hex')) < 0 && !isKnown(id));
  if (unsent === undefined && missing.length === 0) return undefined;
  if (unseen !== undefined) return { opinion: 'Unknown', reason: `the pack builds on commit ${unseen}, which the client did not get in this session: ${cloneAnew}` };
  if (unsent !== undefined) return { opinion: 'Rejected', reason: `the server sent something else than the wanted object ${unsent}: no object of the pack has this id` };
  const [first] = missing as [MissingObject];
  return { opinion: 'Rejected', reason: `the pack is incomplete: it leaves out the ${first.type} ${first.id.toString('hex')}${missing.length > 1 ? ` and ${missing.length - 1} other objects` : ''}` };
}

const cloneAnew = 'delete the clone and let git clone the repository through the proxy';

function unresolved(count: number, unseen: string | undefined): FetchOpinion {
  const why = unseen === undefined ? 'whose content this session has not kept' : `of commit ${unseen}, which the client did not get in this session,`;
  return { opinion: 'Unknown', reason: `the ids of ${count} objects cannot be told, as they are deltas upon objects ${why.replace(/,$/, '')}: ${cloneAnew}` };
}

/** Refs that were wanted by name need no listing: what they stand for is in the answer itself. */
async function checkDeclared({ asked, refs, received, promised, context }: ReceivedPack): Promise<FetchOpinion | undefined> {
  const pinned = new Set(pinnedCommits(context.configuration));
  const submodules = await loadSubmodules(context.knowledge);
  for (const id of asked.wants) {
    const bytes = Buffer.from(id, 'hex');
    if (received.find(bytes) >= 0 || promised.find(bytes) >= 0 || refs.has(id) || submodules.has(id) || pinned.has(id)) continue;
    return {
      opinion: 'Unknown',
      reason: `the objects are sound, but no ref that this repository listed in this session is ${id}, nor a submodule of what was fetched: fetch the branch or tag that holds it, or allow it in inspectors-configuration (git.commits)`,
    };
  }
  return undefined;
}
