import type { TrafficEvent } from '../session/session-events.js';

/** Rows of the projections, named as their columns; pure, so that recording and rebuilding cannot differ. */
export interface DownloadProjection {
  readonly session_id: string;
  readonly position: number;
  readonly event_type: TrafficEvent['type'];
  readonly exchange_id: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly method: string;
  readonly url: string;
  readonly status: number | null;
  readonly content_type: string | null;
  readonly sha256: string | null;
  readonly size: number | null;
  readonly verdict: string | null;
  readonly delivered: boolean;
  readonly cause: string | null;
  readonly reason: string | null;
}

export interface ArtefactProjection {
  readonly session_id: string;
  readonly sha256: string;
  readonly sha1: string;
  readonly size: number;
  readonly first_position: number;
  last_position: number;
  downloads: number;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string | null;
  verdict: string;
  kept: boolean;
}

/** What a batch adds to a session's row. */
export interface SessionDelta {
  readonly session_id: string;
  position: number;
  downloads: number;
  refused: number;
  failed: number;
  bytes: number;
  violations: number;
}

export interface ProjectionRows {
  readonly downloads: readonly DownloadProjection[];
  /** One row a session and sha256: a statement cannot update a row twice. */
  readonly artefacts: readonly ArtefactProjection[];
  readonly sessions: readonly SessionDelta[];
}

export interface PositionedTrafficEvent {
  readonly sessionId: string;
  readonly position: number;
  readonly event: TrafficEvent;
}

/** Events of a session must come in the order of their positions. */
export function projectTraffic(events: readonly PositionedTrafficEvent[]): ProjectionRows {
  const downloads: DownloadProjection[] = [];
  const artefacts = new Map<string, ArtefactProjection>();
  const sessions = new Map<string, SessionDelta>();
  for (const item of events) {
    downloads.push(downloadRow(item));
    addToSession(sessions, item);
    if (item.event.type === 'ArtefactDownloaded' && isArtefact(item.event)) addToArtefact(artefacts, { ...item, event: item.event });
  }
  return { downloads, artefacts: [...artefacts.values()], sessions: [...sessions.values()] };
}

/** Whether a response brought an artefact: a whole body (status 200) that was asked for (a HEAD has none). */
export function isArtefact(event: Extract<TrafficEvent, { type: 'ArtefactDownloaded' }>): boolean {
  return event.data.response.status === 200 && event.data.request.method !== 'HEAD';
}

/** Text that PostgreSQL can store: strings come from hostile bytes, and neither NUL nor half a surrogate pair is allowed in a column. */
export function storableText(value: string): string {
  const wellFormed = value.toWellFormed();
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', '\uFFFD') : wellFormed;
}

function downloadRow({ sessionId, position, event }: PositionedTrafficEvent): DownloadProjection {
  const { request } = event.data;
  const base = {
    session_id: sessionId,
    position,
    event_type: event.type,
    exchange_id: request.exchangeId,
    started_at: request.startedAt,
    ended_at: request.endedAt,
    method: storableText(request.method),
    url: storableText(request.url),
  };
  switch (event.type) {
    case 'ArtefactDownloaded': {
      const { response, body, verdict, delivered } = event.data;
      return { ...base, status: response.status, content_type: storableText(response.contentType), sha256: body.sha256, size: body.size, verdict, delivered, cause: null, reason: null };
    }
    case 'RequestRefused':
      return { ...base, status: event.data.status, content_type: null, sha256: null, size: null, verdict: null, delivered: false, cause: event.data.rule, reason: storableText(event.data.reason) };
    case 'DownloadFailed': {
      const { response, receivedBytes, stage, reason } = event.data;
      return { ...base, status: response?.status ?? null, content_type: response === null ? null : storableText(response.contentType), sha256: null, size: receivedBytes, verdict: null, delivered: false, cause: stage, reason: storableText(reason) };
    }
  }
}

function addToSession(sessions: Map<string, SessionDelta>, { sessionId, position, event }: PositionedTrafficEvent): void {
  let delta = sessions.get(sessionId);
  if (delta === undefined) {
    delta = { session_id: sessionId, position, downloads: 0, refused: 0, failed: 0, bytes: 0, violations: 0 };
    sessions.set(sessionId, delta);
  }
  delta.position = position;
  switch (event.type) {
    case 'ArtefactDownloaded':
      delta.downloads += 1;
      delta.bytes += event.data.body.size;
      if (event.data.verdict === 'Rejected') delta.violations += 1;
      break;
    case 'RequestRefused':
      delta.refused += 1;
      if (event.data.rule === 'policy') delta.violations += 1;
      break;
    case 'DownloadFailed':
      delta.failed += 1;
      break;
  }
}

function addToArtefact(artefacts: Map<string, ArtefactProjection>, item: PositionedTrafficEvent & { readonly event: Extract<TrafficEvent, { type: 'ArtefactDownloaded' }> }): void {
  const { body, metadata, verdict, kept } = item.event.data;
  const key = `${item.sessionId} ${body.sha256}`;
  const there = artefacts.get(key);
  if (there !== undefined) {
    there.last_position = item.position;
    there.downloads += 1;
    if (verdict === 'Rejected') there.verdict = 'Rejected';
    there.kept ||= kept;
    return;
  }
  artefacts.set(key, {
    session_id: item.sessionId,
    sha256: body.sha256,
    sha1: body.sha1,
    size: body.size,
    first_position: item.position,
    last_position: item.position,
    downloads: 1,
    type: storableText(metadata.type),
    name: storableText(metadata.name),
    version: storableText(metadata.version),
    purl: metadata.purl === undefined ? null : storableText(metadata.purl),
    verdict,
    kept,
  });
}
