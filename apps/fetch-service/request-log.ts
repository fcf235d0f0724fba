import type { FedEvent } from '../../libs/event-store/event-feed.js';
import type { TrafficEvent } from '../../libs/session/session-events.js';

/** Events that stand for one request of a build each: the proxies themselves do not log what builds fetch. */
export const requestEvents = ['ArtefactDownloaded', 'RequestRefused', 'DownloadFailed'] as const satisfies readonly TrafficEvent['type'][];

/** The line of the daemon's log for an event of these types. */
export function describeRequest({ streamId, ...event }: FedEvent): string {
  const { type, data } = event as TrafficEvent;
  const request = `session ${streamId.replace(/^session:/, '')}: ${data.request.method} ${data.request.url}`;
  switch (type) {
    case 'ArtefactDownloaded':
      return `${request}: ${data.response.status}, ${data.body.size} bytes, ${data.verdict}`;
    case 'RequestRefused':
      return `${request}: refused (${data.rule}): ${data.reason}`;
    case 'DownloadFailed':
      return `${request}: failed (${data.stage}): ${data.reason}`;
  }
}
