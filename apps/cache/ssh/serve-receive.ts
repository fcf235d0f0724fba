import type { Logger } from 'pino';
import type { ServerChannel } from 'ssh2';
import type { CacheAccess, CacheCaller } from '../../../libs/cache-access/cache-access.js';
import { keepJudging } from '../../../libs/cache-access/keep-judging.js';
import type { ArtifactCache } from '../../../libs/cache-engine/artifact-cache.js';
import type { OstreeSettings } from '../../../libs/cache-service/cache-settings.js';
import { errorTable } from '../../../libs/errors/error-table.js';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { ExportParts } from '../../../libs/ostree-exports/export-parts.js';
import { pushInput } from '../../../libs/ostree-exports/push-input.js';
import { receivePush } from '../../../libs/ostree-exports/receive-push.js';
import { untilAborted } from '../server/until-aborted.js';
import { receiveCommand } from './receive-command.js';

export interface ReceiveOptions {
  readonly parts: ExportParts;
  readonly cache: Pick<ArtifactCache, 'instance'>;
  /** Instances that are OSTree repositories, too. */
  readonly exported: ReadonlyMap<string, OstreeSettings>;
  readonly access: CacheAccess;
  readonly log: Logger;
  /** Milliseconds after which whoever pushes is judged again. */
  readonly judgedEvery?: number;
}

interface Receiving extends ReceiveOptions {
  readonly command: string;
  readonly caller: CacheCaller;
  /** Whether the caller would be let in now. */
  readonly judge: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Milliseconds that a client may stand still. */
const longestSilence = 300_000;
const kind = 'directory';

/** Runs what a client asks for, which is nothing but receiving artifacts; what is wrong goes to its standard error. */
export async function serveReceive(channel: ServerChannel, receiving: Receiving): Promise<void> {
  const { log, caller, judge, judgedEvery } = receiving;
  const ended = new AbortController();
  channel.once('close', () => ended.abort());
  channel.on('error', (error: Error) => log.debug({ err: error }, 'an ssh channel'));
  const lost = new AbortController();
  let stopJudging = (): void => undefined;
  let exit = 0;
  try {
    await judge();
    stopJudging = keepJudging({ judge, lost: (error) => lost.abort(error), ...(judgedEvery === undefined ? {} : { every: judgedEvery }) });
    await receive(channel, { ...receiving, signal: AbortSignal.any([receiving.signal, ended.signal, lost.signal]) });
  } catch (error) {
    exit = 1;
    if (!ended.signal.aborted) {
      const known = isMillraceError(error);
      if (!known || errorTable[error.code].http >= 500) log.warn({ err: error, caller: caller.name }, 'a push over ssh failed');
      channel.stderr.write(`ERROR: ${known ? error.message : 'the push failed; the log of the service says why'}\n`);
    }
  }
  stopJudging();
  channel.exit(exit);
  channel.end();
}

async function receive(channel: ServerChannel, { parts, cache, exported, access, command, caller, signal }: Receiving): Promise<void> {
  const named = receiveCommand(command);
  if (named === undefined) throw new MillraceError('invalid-request', 'only bst-artifact-receive <name of the cache instance> is understood here');
  const { name: instance, limit, blobBytes } = cache.instance(named);
  const settings = exported.get(instance);
  if (settings === undefined) throw new MillraceError('invalid-request', `the cache instance ${instance} is no OSTree repository`);
  access.demand(caller, 'push', instance);
  await receivePush(
    parts,
    {
      instance,
      url: settings.url,
      by: caller.name,
      demand: (key) => access.demand(caller, 'push', instance, { kind, key }),
      count: (bytes) => access.count(caller, instance, bytes, { signal }),
      pushed: (key) => access.took(caller, { instance, kind, key, qualifiers: {} }, 'pushed'),
      fileBytes: blobBytes,
      pushBytes: limit,
      signal,
    },
    { input: pushInput(impatient(channel as AsyncIterable<Buffer>, channel, signal)), send: (bytes) => void channel.write(bytes) },
  );
}

/** Ends a client from which nothing came for too long. Errors: the reason of the signal. */
async function* impatient(source: AsyncIterable<Buffer>, channel: ServerChannel, signal: AbortSignal): AsyncGenerator<Buffer> {
  const late = (): void => void channel.destroy();
  const chunks = source[Symbol.asyncIterator]();
  for (;;) {
    const timer = setTimeout(late, longestSilence);
    const next = await untilAborted(chunks.next(), signal).finally(() => clearTimeout(timer));
    if (next.done === true) return;
    yield next.value;
  }
}
