import { MillraceError } from '../errors/millrace-error.js';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { isoUtc } from '../database/iso-utc.js';
import { decodeCursor, encodeCursor } from './page-cursor.js';
import { pageLimit, type Page } from './read-sessions.js';

/** One exchange of a session, whatever became of it. */
export interface RecordedDownload {
  /** Position of the event in the session's stream. */
  readonly position: number;
  readonly kind: 'downloaded' | 'refused' | 'failed';
  readonly startedAt: string;
  readonly endedAt: string;
  readonly method: string;
  readonly url: string;
  /** Null when no response head arrived. */
  readonly status: number | null;
  readonly sha256: string | null;
  /** Body bytes. */
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly verdict: 'Approved' | 'Rejected' | null;
  /** Why it was refused or failed; empty for a download. */
  readonly reason: string;
}

interface Row {
  readonly position: string;
  readonly event_type: 'ArtefactDownloaded' | 'RequestRefused' | 'DownloadFailed';
  readonly started_at: string;
  readonly ended_at: string;
  readonly method: string;
  readonly url: string;
  readonly status: number | null;
  readonly sha256: string | null;
  readonly size: string | null;
  readonly type: string | null;
  readonly name: string | null;
  readonly version: string | null;
  readonly verdict: 'Approved' | 'Rejected' | null;
  readonly reason: string | null;
}

const kinds = { ArtefactDownloaded: 'downloaded', RequestRefused: 'refused', DownloadFailed: 'failed' } as const;

/**
 * In the order of the record, also while the session runs: positions of a stream become visible in order, so a page never
 * skips one. An unknown session has an empty page. Errors: `invalid-request` for a cursor that is none.
 */
export async function readDownloads(database: Database, sessionId: string, page: { readonly limit: number; readonly cursor?: string }): Promise<Page<RecordedDownload>> {
  const after = page.cursor === undefined ? 0 : positionOf(page.cursor);
  const limit = pageLimit(page.limit);
  const rows = await query<Row>(
    database,
    `select d.position, d.event_type, ${isoUtc('d.started_at')} as started_at, ${isoUtc('d.ended_at')} as ended_at, d.method, d.url, d.status, d.sha256, d.size, a.type, a.name, a.version, d.verdict, d.reason
     from downloads d left join artefacts a on a.session_id = d.session_id and a.sha256 = d.sha256 and d.status = 200 and d.method <> 'HEAD'
     where d.session_id = $1 and d.position > $2 order by d.position limit $3`,
    [sessionId, after, limit + 1],
  );
  const items = rows.slice(0, limit).map(toDownload);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor([String(last.position)]) : null };
}

function positionOf(cursor: string): number {
  const position = Number(decodeCursor(cursor, 1)[0]);
  if (!Number.isSafeInteger(position) || position < 0) throw new MillraceError('invalid-request', 'not a cursor of this list');
  return position;
}

function toDownload(row: Row): RecordedDownload {
  return {
    position: Number(row.position),
    kind: kinds[row.event_type],
    startedAt: row.started_at,
    endedAt: row.ended_at,
    method: row.method,
    url: row.url,
    status: row.status,
    sha256: row.sha256,
    size: Number(row.size ?? 0),
    type: row.type ?? '',
    name: row.name ?? '',
    version: row.version ?? '',
    verdict: row.verdict,
    reason: row.reason ?? '',
  };
}
