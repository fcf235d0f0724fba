import { createHash } from 'node:crypto';

/** What one digest covers. */
export interface ChainLink {
  readonly streamId: string;
  /** From 1. */
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  /** Exact JSON text. */
  readonly data: string;
}

export const firstPreviousDigest = '0'.repeat(64);

/** Lower-case hex; see "The record" in docs/explanation/architecture.md. `data` comes last: it alone may hold line breaks. */
export function chainDigest(previousDigest: string, link: ChainLink): string {
  return createHash('sha256')
    .update(`${previousDigest}\n${link.streamId}\n${link.position}\n${link.eventId}\n${link.type}\n${link.data}`, 'utf8')
    .digest('hex');
}
