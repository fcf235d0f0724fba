import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeReads } from '../../../libs/compose-record/compose-commands.js';
import { awaitChange, hasEnded } from './await-change.js';
import { clientGone } from '../http/client-gone.js';

export interface StateStream {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly reads: Pick<ComposeReads, 'get' | 'changed'>;
  readonly json: (compose: Compose) => object;
  /** Whether it may stay and wait; else it is told what is so now, and comes again. */
  readonly mayWait: boolean;
  readonly heartbeatMilliseconds: number;
}

const longestStream = 3_600_000;
/** Bytes that a reader may leave lying; an event has about 2 KiB. */
const unreadLimit = 65_536;
const retryMilliseconds = 5000;

export function wantsEvents({ headers }: FastifyRequest): boolean {
  return (headers.accept ?? '').split(',').some((range) => /^text\/event-stream(?:\s*;|$)/i.test(range.trim()));
}

/** Server-sent events: `state-changed` with the compose, at first as it is now, until it has ended. */
export async function streamStates(compose: Compose, stream: StateStream): Promise<void> {
  const { request, reply } = stream;
  // An EventSource connects again after the end; this tells it that there is nothing more to come.
  if (hasEnded(compose) && request.headers['last-event-id'] === String(compose.version)) {
    void reply.code(204).send();
    return;
  }
  const gone = clientGone(request, stream.heartbeatMilliseconds * 4);
  reply.hijack();
  const { raw } = reply;
  raw.on('error', () => undefined);
  raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' });
  raw.write(`retry: ${retryMilliseconds}\n\n`);
  try {
    if (request.method !== 'HEAD') await sendUntilEnded(compose, { ...stream, raw, gone });
  } catch {
    // The record is away; the client comes again and is told then.
  } finally {
    raw.end();
  }
}

async function sendUntilEnded(compose: Compose, { raw, gone, reads, json, mayWait, heartbeatMilliseconds }: StateStream & { readonly raw: ServerResponse; readonly gone: AbortSignal }): Promise<void> {
  const end = performance.now() + longestStream;
  let current = compose;
  raw.write(event(current, json));
  while (mayWait && !hasEnded(current) && !gone.aborted && performance.now() < end) {
    const { state } = current;
    const next = await awaitChange(reads, current, { milliseconds: heartbeatMilliseconds, signal: gone, isNews: (compose) => compose.state !== state });
    if (raw.writableLength > unreadLimit) raw.destroy();
    else raw.write(next.state === state ? ': still so\n\n' : event(next, json));
    current = next;
  }
}

function event(compose: Compose, json: (compose: Compose) => object): string {
  return `id: ${compose.version}\nevent: state-changed\ndata: ${JSON.stringify(json(compose))}\n\n`;
}
