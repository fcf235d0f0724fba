import { MillraceError } from '../errors/millrace-error.js';
import { inTransaction } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { readStream } from '../event-store/read-stream.js';
import { compilePolicy } from '../policy/compile-policy.js';
import type { RecordedPolicyDocument } from '../policy/policy-document.js';
import { sessionStreamId, type SessionEvent, type TrafficEvent } from '../session/session-events.js';
import { judgeRecordedTraffic, type TrafficJudgement } from './judge-recorded-traffic.js';
import { loadSession } from './load-session.js';
import { isTrafficEvent } from './write-projections.js';

/** One exchange that would not have passed. */
export interface CheckedExchange {
  readonly position: number;
  readonly stage: TrafficJudgement['stage'];
  readonly byPolicy: boolean;
  readonly method: string;
  readonly url: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  /** Null when no artefact had arrived. */
  readonly sha256: string | null;
  readonly reason: string;
}

export interface PolicyCheck {
  readonly sessionId: string;
  /** SHA-256 of the document that was judged by. */
  readonly policySha256: string;
  /** Position of the last event that was looked at. */
  readonly position: number;
  /** Exchanges that were judged. */
  readonly judged: number;
  /** How many would be refused, by the document itself and in all. */
  readonly refusedByPolicy: number;
  readonly refusedCount: number;
  readonly undecidedCount: number;
  /** In the order of the record; at most `shownExchanges` of each. */
  readonly refused: readonly CheckedExchange[];
  readonly undecided: readonly CheckedExchange[];
}

/** The counts are exact; lists longer than this are cut. */
export const shownExchanges = 5000;

/**
 * The dry run: judges what a session took in, finished or running, as strict with this document would have. Nothing is fetched. Ages count
 * from the opening of the session. Errors: `session-not-found`.
 */
export async function checkPolicy(database: Database, sessionId: string, document: RecordedPolicyDocument): Promise<PolicyCheck> {
  return inTransaction(database, async ({ sql }) => {
    await sql('set transaction isolation level repeatable read, read only');
    const { opened } = await loadSession(sql, sessionId);
    if (opened === null) throw new MillraceError('session-not-found', `there is no session ${sessionId}`);
    const rules = compilePolicy([document], Date.parse(opened.openedAt));
    const refused: CheckedExchange[] = [];
    const undecided: CheckedExchange[] = [];
    const counts = { position: 0, judged: 0, refusedByPolicy: 0, refusedCount: 0, undecidedCount: 0 };
    for await (const stored of readStream(sql, sessionStreamId(sessionId))) {
      counts.position = stored.position;
      const event = { type: stored.type, data: JSON.parse(stored.data) as unknown } as SessionEvent;
      const judgement = isTrafficEvent(event) ? judgeRecordedTraffic(rules, event) : undefined;
      if (judgement === undefined || !isTrafficEvent(event)) continue;
      counts.judged += 1;
      if (judgement.result === 'passed') continue;
      if (judgement.result === 'refused') counts.refusedCount += 1;
      else counts.undecidedCount += 1;
      if (judgement.result === 'refused' && judgement.byPolicy) counts.refusedByPolicy += 1;
      const list = judgement.result === 'refused' ? refused : undecided;
      if (list.length < shownExchanges) list.push(checkedExchange(stored.position, event, judgement));
    }
    return { sessionId, policySha256: document.sha256, ...counts, refused, undecided };
  });
}

function checkedExchange(position: number, event: TrafficEvent, { stage, byPolicy, reason }: TrafficJudgement): CheckedExchange {
  const { method, url } = event.data.request;
  const artefact = event.type === 'ArtefactDownloaded' ? event.data : undefined;
  const { type = '', name = '', version = '', purl = '' } = artefact?.metadata ?? {};
  return { position, stage, byPolicy, method, url, type, name, version, purl, sha256: artefact?.body.sha256 ?? null, reason };
}
