import { createHash } from 'node:crypto';
import type { Consult } from '../../inspection/inspector.js';
import { resolveLocation } from '../../session/resolve-location.js';
import type { TrafficEvent } from '../../session/session-events.js';
import { fieldOf, parseRequestHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import { originOf, parseAbsoluteTarget, type RequestTarget } from '../target/request-target.js';
import { Exchange } from './exchange.js';
import type { AnswerSink, ExchangeHost } from './exchange-host.js';
import { proxiedRequest, type ProxiedRequest } from './proxied-request.js';
import type { Consultations, RelayContext } from './proxy-context.js';

type Outcome = Awaited<ReturnType<Consult>>;

/** An index may itself need another (a module its checksum, that its tile), but not without end. */
const maximumDepth = 3;
const maximumRedirects = 5;
/** URLs whose outcome a session remembers; an npm lock file names some thousands. */
const maximumRemembered = 20_000;
const asker = 'millrace (asked by an inspector)';

/**
 * Lets inspectors fetch what the build did not ask for. Each is a whole exchange of the session: admitted, judged, recorded like the
 * build's own, only that nobody reads the answer. Private registries get the credentials that the build sent to the same origin.
 */
export function createConsultations(context: () => RelayContext): Consultations {
  const bySession = new WeakMap<LiveSession, Map<string, Promise<Outcome>>>();

  return (session, asking) => (url, options = {}) => {
    const target = parseTarget(url);
    const depth = (asking.consultDepth ?? 0) + 1;
    if (target === undefined || depth > maximumDepth) return Promise.resolve('unreachable');
    const asked = bySession.get(session) ?? new Map<string, Promise<Outcome>>();
    bySession.set(session, asked);
    const key = createHash('sha256').update(`${options.accept ?? ''} ${url}`).digest('base64');
    const running = asked.get(key);
    if (running !== undefined) return running;
    // What cannot even be asked (a URL that is too long with its port) is an answer as well: nobody waits for this promise alone.
    const outcome = follow(context(), session, { target, asking, depth, accept: options.accept }).catch((): Outcome => 'unreachable');
    if (asked.size < maximumRemembered) asked.set(key, outcome);
    // What could not be reached may be the next time.
    void outcome.then((result) => result === 'unreachable' && asked.delete(key));
    return outcome;
  };
}

interface Question {
  readonly target: RequestTarget;
  readonly asking: ProxiedRequest;
  readonly depth: number;
  readonly accept: string | undefined;
}

async function follow(context: RelayContext, session: LiveSession, question: Question): Promise<Outcome> {
  let { target } = question;
  for (let hops = 0; hops <= maximumRedirects; hops += 1) {
    const { event, location } = await ask(context, session, { ...question, target });
    // A name that could not be resolved may be the next time.
    if (event?.type === 'RequestRefused') return event.data.rule === 'unresolved' ? 'unreachable' : 'refused';
    if (event?.type !== 'ArtefactDownloaded') return 'unreachable';
    const { status } = event.data.response;
    if (status === 200) return event.data.verdict === 'Approved' ? 'approved' : 'refused';
    const next = status >= 300 && status < 400 && location !== undefined ? parseTarget(location) : undefined;
    if (next === undefined) return 'unreachable';
    target = next;
  }
  return 'unreachable';
}

interface Answer {
  /** Undefined: the record did not take it. */
  readonly event: TrafficEvent | undefined;
  /** Where a redirect leads, unredacted. */
  readonly location: string | undefined;
}

function ask(context: RelayContext, session: LiveSession, question: Question): Promise<Answer> {
  const { target, depth } = question;
  let event: TrafficEvent | undefined;
  let location: string | undefined;
  const listening: RelayContext = {
    ...context,
    redirects: {
      find: (of, url) => context.redirects.find(of, url),
      async remember(of, redirect) {
        location = resolveLocation(redirect.from, redirect.location);
        await context.redirects.remember(of, redirect);
      },
    },
    ports: {
      ...context.ports,
      recorder: {
        async record(id, recorded) {
          await context.ports.recorder.record(id, recorded);
          event = recorded;
        },
      },
    },
  };
  return new Promise((resolve) => {
    const host: ExchangeHost = {
      socket: nobodyReads(),
      clientAddress: 'inspector',
      pauseRequest: () => undefined,
      resumeRequest: () => undefined,
      exchangeDone: () => {
        clearTimeout(timer);
        resolve({ event, location });
      },
    };
    const head = parseRequestHead(requestText(question));
    const exchange = new Exchange(listening, session, host, { ...proxiedRequest(session, head, { target, keepAlive: true }), consultDepth: depth });
    // An origin that sends a byte now and then must not keep it alive for ever.
    const timer = setTimeout(() => exchange.onClientClosed('what an inspector asked for did not arrive in time'), context.limits.consultTimeout);
    exchange.start();
    exchange.onRequestEnd();
  });
}

function requestText({ target, asking, accept }: Question): string {
  const origin = originOf(target.scheme, target);
  const authorization = origin === asking.inspected.origin ? fieldOf(asking.head.fields, 'authorization') : undefined;
  const fields = [`User-Agent: ${asker}`, `Accept: ${accept ?? '*/*'}`, 'Accept-Encoding: gzip', ...(authorization === undefined ? [] : [`Authorization: ${authorization}`])];
  return [`GET ${origin}${target.originForm} HTTP/1.1`, `Host: ${target.host}`, ...fields].join('\r\n');
}

function parseTarget(url: string): RequestTarget | undefined {
  const parsed = parseAbsoluteTarget(url);
  return parsed.ok ? parsed.target : undefined;
}

/** Takes every byte at once and keeps none. */
function nobodyReads(): AnswerSink {
  return { destroyed: false, write: () => true, cork: () => undefined, uncork: () => undefined, destroy: () => undefined };
}
