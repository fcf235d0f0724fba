import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { awaitCompose, findCompose, findQueuePosition, hasEnded, type ComposeView, type QueueView } from './compose-api.js';
import { followLog, type LogFollower } from './compose-log.js';
import type { ControlClient } from './control-client.js';
import { paint, printable, type Terminal } from './terminal.js';

export interface WatchOptions {
  readonly client: ControlClient;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Milliseconds between looks at the log and at the queue. */
const interval = 1000;
/** How often in a row a service that does not answer is asked again, a second apart: it may be being restarted. */
const patience = 60;

/** Tells on standard error how the compose gets on, until it has ended. Resolves to it as it is then, or as it was when the signal aborted. */
export async function watchCompose(id: number, { client, terminal, signal }: WatchOptions): Promise<ComposeView> {
  const say = createStateLines(id, terminal);
  let compose = await findCompose(client, id);
  say(compose.state_name);
  if (hasEnded(compose)) return compose;
  const ownUrl = compose.toplevel_url;
  const ended = new AbortController();
  const log = followLog(ownUrl, (line) => terminal.err(`${paint(terminal, 'dim', `  ${printable(line)}`)}\n`));
  const besides = tellBesides(id, { client, say, log, signal: AbortSignal.any([ended.signal, signal]) });
  try {
    const interrupted = aborted(signal);
    while (!hasEnded(compose) && !signal.aborted) {
      const known = compose;
      compose = await Promise.race([patiently(() => awaitCompose(client, id, signal), signal), interrupted.then(() => known)]);
    }
  } finally {
    ended.abort();
    await besides;
  }
  if (hasEnded(compose)) {
    // What another compose has made has that one's address and log.
    const shared = compose.toplevel_url !== ownUrl;
    if (!shared) await log.read();
    say(compose.state_name, shared ? `with the files of ${printable(path.basename(compose.toplevel_url))}` : undefined);
  }
  return compose;
}

/** State, place in the queue and log while the long poll waits. What cannot be had is left out: it is only for the eyes. */
async function tellBesides(id: number, { client, say, log, signal }: { client: ControlClient; say: StateLines; log: LogFollower; signal: AbortSignal }): Promise<void> {
  while (!signal.aborted) {
    const queue = await findQueuePosition(client, id).catch(() => undefined);
    if (signal.aborted) return;
    if (queue !== undefined && (queue.state === 'wait' || queue.state === 'generating')) say(queue.state, detailOf(queue));
    if (queue?.state !== 'wait') await log.read();
    await pause(interval, undefined, { signal }).catch(() => undefined);
  }
}

type StateLines = (state: string, detail?: string) => void;

function detailOf({ queuePosition, reusedId, attempts }: QueueView): string | undefined {
  if (queuePosition !== null) return `number ${queuePosition} in the queue`;
  if (reusedId !== null && reusedId !== undefined) return `waits for the files of compose ${reusedId}`;
  return attempts !== null && attempts !== undefined && attempts > 1 ? `attempt ${attempts}` : undefined;
}

/** A line for each change; nothing is said twice. */
function createStateLines(id: number, terminal: Terminal): StateLines {
  const words: Readonly<Record<string, string>> = { wait: 'waiting', done: 'done', failed: 'failed', removed: 'removed' };
  let last = '';
  return (state, detail) => {
    const text = `${words[state] ?? printable(state)}${detail === undefined ? '' : `, ${detail}`}`;
    if (text === last || (state === 'wait' && detail === undefined && last.startsWith('waiting'))) return;
    last = text;
    terminal.err(`${paint(terminal, 'bold', `compose ${id}:`)} ${text}\n`);
  };
}

async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'service-unavailable' || attempt === patience || signal.aborted) throw error;
      await pause(interval, undefined, { signal }).catch(() => undefined);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
