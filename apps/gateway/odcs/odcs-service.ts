import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeQuery, ComposeRequester } from '../../../libs/compose-record/compose-commands.js';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import { timeToLiveOf } from '../../../libs/pungi/raw-config-limits.js';
import type { TimeToLive } from '../../../libs/compose/request-body/read-new-compose.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { Principal } from '../../../libs/access/principal.js';
import { changedBy } from '../access/caller.js';
import type { Access } from '../access/open-access.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { ACCESS, COMPOSES, LOGGER, METRICS, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import { withDeadline } from '../http/with-deadline.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { readNewCompose } from '../../../libs/compose/request-body/read-new-compose.js';
import { hasEnded } from './await-change.js';
import { readRenewal } from './read-renewal.js';

/** How long an answer waits for the workflow engine; the record's outbox tells it otherwise. */
const engineMilliseconds = 1500;
const longestKey = 255;

export interface AskedBy {
  readonly caller: Principal;
  /** Header `Idempotency-Key`. */
  readonly key: string | undefined;
}

/** ODCS's requests as commands on the record; the workflow of the compose hears of each at once, or later. */
@Injectable()
export class OdcsService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
    @Inject(ACCESS) private readonly access: Access,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) private readonly metrics: GatewayMetrics,
  ) {}

  list(query: ComposeQuery): Promise<{ readonly composes: readonly Compose[]; readonly total: number }> {
    return this.composes.reads.list(query);
  }

  /** Errors: `compose-not-found`. */
  async get(id: number): Promise<Compose> {
    const compose = await this.composes.reads.get(id);
    if (compose === undefined) throw new MillraceError('compose-not-found', 'No such compose found.');
    return compose;
  }

  async request(body: unknown, asked: AskedBy): Promise<{ readonly compose: Compose; readonly repeated: boolean }> {
    const requester = this.requester(asked);
    const request = readNewCompose(parseJsonBody(body), { ...this.settings, livesOf: (source) => this.lives(asked.caller, source) });
    this.access.authorization.requireRequest(asked.caller, request);
    this.check(request);
    const { owner } = requester;
    const requested = await this.composes.commands.request(request, requester);
    if (!requested.repeated) {
      this.metrics.composesRequested.inc({ source_type: request.sourceType });
      this.log.info({ compose: requested.compose.id, owner, sourceType: request.sourceType }, `compose ${requested.compose.id} is asked for`);
      await this.tell(requested.compose.id, 'start');
    }
    return requested;
  }

  async renew(id: number, body: unknown, asked: AskedBy): Promise<Compose> {
    const requester = this.requester(asked);
    const wanted = readRenewal(body);
    const { owner } = requester;
    try {
      const compose = await this.get(id);
      if (!hasEnded(compose)) throw await this.notRenewable(id);
      const { secondsToLive, maximumSecondsToLive } = this.lives(asked.caller, compose.request);
      const renewal = { ...wanted, secondsToLive: Math.min(wanted.secondsToLive === undefined || wanted.secondsToLive === 0 ? secondsToLive : wanted.secondsToLive, maximumSecondsToLive) };
      this.access.authorization.requireRenewal(asked.caller, compose, renewal);
      const kept = await this.composes.commands.renew(id, renewal, requester);
      this.log.info({ compose: id, renewed: kept.id, owner }, kept.id === id ? `compose ${id} expires later` : `compose ${id} is renewed by ${kept.id}`);
      await this.tell(kept.id, kept.id === id ? 'changed' : 'start');
      return kept;
    } catch (error) {
      throw isMillraceError(error) && (error.code === 'compose-not-found' || error.code === 'compose-closed') ? await this.notRenewable(id) : error;
    }
  }

  /** Cancels what is not finished and removes what is. Answers what is so now, in ODCS's words. */
  async delete(id: number, caller: Principal): Promise<string> {
    const by = changedBy(caller);
    const compose = await this.get(id);
    this.access.authorization.requireDeletion(caller, compose);
    const message = (await this.cancelled(compose, by)) ? `Compose (id=${id}) has been canceled` : await this.removed(id, by);
    this.log.info({ compose: id, by }, message);
    await this.tell(id, 'changed');
    return message;
  }

  /** Errors: `invalid-request`. */
  private requester({ caller, key }: AskedBy): ComposeRequester {
    const idempotencyKey = readKey(key);
    const { composes, bytes } = this.access.authorization.quotaOf(caller);
    return { owner: caller.name, ...(idempotencyKey === undefined ? {} : { idempotencyKey }), quota: { composes, bytes } };
  }

  private lives(caller: Principal, asked: Parameters<typeof timeToLiveOf>[0]): TimeToLive {
    const { secondsToLive, maximumSecondsToLive } = timeToLiveOf(asked, this.settings);
    const longest = Math.min(maximumSecondsToLive, this.access.authorization.quotaOf(caller).secondsToLive ?? Infinity);
    return { secondsToLive: Math.min(secondsToLive, longest), maximumSecondsToLive: longest };
  }

  /** What this service cannot make is refused before anybody waits for it, whatever is missing for it. */
  private check(request: Parameters<ComposeDependencies['engine']['check']>[0]): void {
    try {
      this.composes.engine.check(request);
    } catch (error) {
      if (!isMillraceError(error) || error.code === 'forbidden' || error.code === 'internal') throw error;
      throw new MillraceError('invalid-request', error.message, { cause: error, ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }) });
    }
  }

  private async cancelled({ id, state }: Compose, by: string): Promise<boolean> {
    if (state !== 'wait' && state !== 'generating') return false;
    try {
      await this.composes.commands.cancel(id, by);
      return true;
    } catch (error) {
      if (isMillraceError(error) && error.code === 'compose-closed') return false; // it ended just now
      throw error;
    }
  }

  private async removed(id: number, by: string): Promise<string> {
    try {
      await this.composes.commands.remove(id, by);
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'compose-closed') throw error;
      throw new MillraceError('invalid-request', `Compose (id=${id}) can not be removed, its state need to be in ['done', 'failed'].`, { cause: error });
    }
    return `The delete request for compose (id=${id}) has been accepted and will be processed by backend later.`;
  }

  private async notRenewable(id: number): Promise<MillraceError> {
    const compose = await this.composes.reads.get(id);
    if (compose === undefined) return new MillraceError('compose-not-found', `No compose with id ${id} found`);
    return new MillraceError('compose-not-found', `No compose with id ${id} found that is done, failed or removed; it is in state ${compose.state}`, { suggestion: 'Wait until it is done, then renew it.' });
  }

  /** Never fails the request: the record has it, and its outbox tells the workflow when the engine is back. */
  private async tell(id: number, what: 'start' | 'changed'): Promise<void> {
    try {
      await withDeadline(this.composes.workflows[what](id), engineMilliseconds, () => new MillraceError('workflow-engine-unavailable', 'the workflow engine did not answer in time'));
    } catch (error) {
      this.log.warn({ compose: id, err: error }, 'the workflow of the compose hears later: the engine did not answer in time');
    }
  }
}

function readKey(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  if (key.length <= longestKey && /^[\x20-\x7e]+$/.test(key)) return key;
  throw new MillraceError('invalid-request', `Idempotency-Key should be at most ${longestKey} printable ASCII characters`);
}
