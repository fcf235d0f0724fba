import { errorMessage } from '../../errors/error-message.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import { runRequestInspection } from '../../inspection/request-inspection.js';
import { explainRefusal, judgeRequest } from '../../inspection/verdict.js';
import type { TrafficEvent } from '../../session/session-events.js';
import { writeResponseHead } from '../http1/head-writer.js';
import type { BodyFraming, ResponseHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import { BodyDigester } from './body-digester.js';
import { BodySpool } from './body-spool.js';
import type { ExchangeHost, ImmediateRefusal } from './exchange-host.js';
import { ExchangeRecord } from './exchange-record.js';
import type { ProxiedRequest } from './proxied-request.js';
import type { ProxyContext } from './proxy-context.js';
import { ownAnswer } from './refusal.js';
import { RequestCredentials } from './request-credentials.js';
import { RequestUpload } from './request-upload.js';
import { ResponseDelivery, type DeliveryFraming } from './response-delivery.js';
import { fitsRecord, responseTreatment, type ResponseTreatment } from './response-treatment.js';
import { settleResponse, type SettledResponse } from './settle-response.js';
import type { UpstreamConnection, UpstreamHandler } from './upstream-connection.js';
import { unrecordableRequest } from './unrecordable-request.js';
import { upstreamHead } from './upstream-head.js';
import { UpstreamPool } from './upstream-pool.js';

type FailureStage = 'resolve' | 'connect' | 'tls' | 'request' | 'response-head' | 'response-body' | 'client' | 'revoked' | 'expired' | 'spool' | 'record';

/** One request and its response, from the admission to the durable record and the last byte. Settles exactly once. */
export class Exchange implements UpstreamHandler {
  readonly #record: ExchangeRecord;
  readonly #upload: RequestUpload;
  readonly #responseDigester = new BodyDigester();
  readonly #abort = new AbortController();
  #leave: (() => void) | undefined;
  #credentials: RequestCredentials | undefined;
  #upstream: UpstreamConnection | undefined;
  /** Of the last connection used, for the record. */
  #upstreamAddress = '';
  #answered = false;
  #retried = false;
  #response: ResponseHead | undefined;
  #treatment: ResponseTreatment = 'stream';
  #delivery: ResponseDelivery | undefined;
  #spool: BodySpool | undefined;
  #spoolBlocked = false;
  #clientBlocked = false;
  #headTimer: NodeJS.Timeout | undefined;
  /** The one event of this exchange is decided. */
  #settled = false;
  #hostDone = false;
  #onUnblocked: (() => void) | undefined;
  #keepAlive: boolean;

  constructor(
    private readonly context: ProxyContext,
    private readonly session: LiveSession,
    private readonly host: ExchangeHost,
    private readonly request: ProxiedRequest,
  ) {
    this.#keepAlive = request.keepAlive;
    this.#record = new ExchangeRecord(request.head, request.inspected.url, host.clientAddress);
    this.#upload = new RequestUpload(request.head);
  }

  start(refusal?: ImmediateRefusal): void {
    const { session, request } = this;
    this.#leave = session.enter((reason) => this.#fail(reason, `the session's token was ${reason === 'revoked' ? 'revoked' : 'expired'} while this request ran`, 407));
    if (!session.admits()) {
      this.#answerUnrecorded();
      return;
    }
    const immediate = refusal ?? unrecordableRequest(request.head);
    if (immediate !== undefined) {
      this.#refuseFor(immediate);
      return;
    }
    const inspections = runRequestInspection(this.context.ports.inspectors, request.inspected, request.inspectionContext);
    this.#record.requestInspection = inspections;
    if (session.policy === 'strict' && !judgeRequest(inspections)) {
      this.#refuse('policy', `download authorization denied: ${explainRefusal(inspections)}`, 403);
      return;
    }
    this.#credentials = RequestCredentials.forRequest(session.secrets, request);
    if (this.#credentials?.refusal !== undefined) this.#refuseFor(this.#credentials.refusal);
    else if (this.#credentials?.needsBody === true && this.#upload.hasBody) this.host.resumeRequest();
    else this.#connect(true);
  }

  onRequestBody(chunk: Buffer): void {
    this.#upload.digest(chunk);
    if (this.#settled) return;
    if (this.#credentials?.needsBody === true) {
      if (!this.#credentials.collect(chunk)) this.#refuse('too-large', 'the request that credentials are injected into is larger than 1 MiB', 413);
    } else if (!this.#upload.write(chunk)) {
      this.host.pauseRequest();
    }
  }

  onRequestEnd(): void {
    this.#upload.end();
    if (this.#settled) this.#finishHost();
    else if (this.#credentials?.needsBody === true && this.#upload.hasBody) this.#rewriteAndConnect(this.#credentials);
  }

  /** False when it has been refused, so that a body would be sent in vain. */
  get wantsBody(): boolean {
    return !this.#settled;
  }

  /** True when the exchange cannot go on before the build reads or writes. */
  get waitsForClient(): boolean {
    return this.#clientBlocked || !this.#upload.isComplete;
  }

  /** The client's socket takes more again. */
  onClientDrain(): void {
    this.#clientBlocked = false;
    this.#onUnblocked?.();
    this.#resumeUpstream();
  }

  /** The build closed its connection, or was silent for too long. */
  onClientClosed(reason: string): void {
    this.#fail('client', reason, 0);
    this.#onUnblocked?.();
  }

  onUpstreamDrain(): void {
    this.host.resumeRequest();
  }

  onResponseHead(head: ResponseHead, framing: BodyFraming): void {
    if (this.#settled) return;
    this.#response = head;
    if (this.session.policy === 'strict' && !fitsRecord(head.fields)) {
      this.#fail('response-head', 'the response has more header fields than the record holds, which strict does not let through', 502);
      return;
    }
    this.#treatment = responseTreatment(this.session.policy, head.status, framing);
    const wanted = this.#treatment === 'hold' || (head.status === 200 && framing.kind !== 'none' && this.#hasPendingInspector());
    if (wanted) this.#spool = new BodySpool(this.context.ports.bodies.spoolDirectory, this.#record.id);
    if (this.#treatment === 'withhold') return;
    const delivery = this.#deliveryFraming(framing);
    if (delivery.kind === 'close') this.#keepAlive = false;
    const text = writeResponseHead(head, {
      framing: framing.kind === 'none' ? 'as-sent' : delivery.kind === 'none' ? 'as-sent' : delivery.kind,
      length: delivery.kind === 'length' ? delivery.length : undefined,
      keepAlive: this.#keepAlive,
      clientMinor: this.request.head.minor,
    });
    this.#delivery = new ResponseDelivery(this.host.socket, text, delivery);
    // A head without a body is the whole answer: it waits for the verdict and the record.
    if (this.#treatment === 'hold' && framing.kind !== 'none') this.#headTimer = setTimeout(() => this.#delivery?.startEarly(), this.context.limits.strictHeadAfter);
  }

  onResponseBody(chunk: Buffer): void {
    if (this.#settled) return;
    this.#responseDigester.update(chunk);
    if (this.#spool !== undefined && !this.#spool.write(chunk)) this.#waitForSpool(this.#spool);
    if (this.#treatment === 'stream' && this.#delivery?.write(chunk) === false) {
      this.#clientBlocked = true;
      this.#upstream?.pause();
    }
  }

  onResponseEnd(): void {
    this.#upstream = undefined;
    if (this.#settled) return;
    this.#complete().catch((error: unknown) => this.#fail('record', errorMessage(error), 500));
  }

  onUpstreamFailed(stage: 'request' | 'response-head' | 'response-body', reason: string): void {
    const reused = (this.#upstream?.served ?? 0) > 0;
    this.#upstream = undefined;
    if (this.#settled) return;
    // A kept connection may have been closed by the origin just as it was used again; a bodiless safe request is sent once more.
    if (reused && !this.#retried && this.#response === undefined && !this.#upload.hasBody && /^(GET|HEAD|OPTIONS)$/.test(this.request.head.method)) {
      this.#retried = true;
      this.#connect(false);
      return;
    }
    this.#fail(stage, reason, 502);
  }

  #connect(mayReuse: boolean): void {
    const { scheme, host, port } = this.request.target;
    const key = UpstreamPool.key(this.session.id, this.request.target);
    const idle = mayReuse ? this.context.pool.take(key) : undefined;
    if (idle !== undefined) {
      this.#send(idle);
      return;
    }
    this.context.connector
      .connect({ scheme, host, port, signal: this.#abort.signal })
      .then((result) => {
        if (!result.ok) {
          if (this.#settled) return;
          if (result.stage === 'aborted') this.#fail('connect', result.reason, 502);
          else if (result.rule !== undefined) this.#refuse(result.rule, result.reason, result.rule === 'unresolved' ? 502 : 403);
          else this.#fail(result.stage, result.reason, 502);
        } else if (this.#settled) {
          result.socket.destroy();
        } else {
          this.#send(this.context.pool.adopt(result, key));
        }
      })
      .catch((error: unknown) => this.#fail('connect', errorMessage(error), 502));
  }

  /** The one place from which requests go upstream; the admission is asked here, in the same tick as the write. */
  #send(upstream: UpstreamConnection): void {
    if (!this.session.admits()) {
      upstream.destroy();
      this.#answerUnrecorded();
      return;
    }
    this.#upstream = upstream;
    this.#upstreamAddress = upstream.upstream.remoteAddress;
    upstream.begin(this, this.request.head.method, this.context.limits.upstreamTimeout);
    upstream.writeHead(upstreamHead(this.request, { policy: this.session.policy, upstream: upstream.upstream, credentials: this.#credentials }));
    if (this.#upload.hasBody) upstream.retire();
    const rewritten = this.#credentials?.body;
    if (rewritten !== undefined) {
      upstream.write(rewritten);
      upstream.requestSent();
      return;
    }
    this.#upload.attach(upstream);
    this.host.resumeRequest();
  }

  async #complete(): Promise<void> {
    const head = this.#response as ResponseHead;
    this.#record.requestBody = this.#upload.bodyDigest();
    const outcome = await settleResponse(this.context, this.session, {
      record: this.#record,
      request: this.request,
      head,
      upstreamAddress: this.#upstreamAddress,
      treatment: this.#treatment,
      digester: this.#responseDigester,
      spool: this.#spool,
      signal: this.#abort.signal,
    });
    clearTimeout(this.#headTimer);
    if (await this.#recordEvent(outcome.event)) await this.#deliver(head, outcome);
    else await this.#spool?.discard();
  }

  async #deliver(head: ResponseHead, outcome: SettledResponse): Promise<void> {
    const { socket } = this.host;
    if (this.#treatment === 'withhold') {
      const text = writeResponseHead(head, { framing: 'length', length: 0, keepAlive: this.#keepAlive, clientMinor: this.request.head.minor });
      socket.write(text, 'latin1');
    } else if (!outcome.deliver) {
      if (this.#delivery?.started === true) {
        socket.destroy();
        this.#keepAlive = false;
      } else {
        socket.write(ownAnswer(403, outcome.reason, { keepAlive: this.#keepAlive, method: this.request.head.method }), 'latin1');
      }
    } else {
      if (this.#treatment === 'hold' && this.#spool !== undefined) await this.#deliverHeld(this.#spool).catch(() => socket.destroy());
      this.#delivery?.release();
    }
    this.#answered = true;
    await this.#spool?.discard();
    this.#finishHost();
  }

  async #deliverHeld(spool: BodySpool): Promise<void> {
    for await (const chunk of spool.read()) {
      if (this.host.socket.destroyed) return;
      if (this.#delivery?.write(chunk as Buffer) === false) {
        this.#clientBlocked = true;
        await new Promise<void>((resolve) => {
          this.#onUnblocked = resolve;
        });
      }
    }
  }

  #rewriteAndConnect(credentials: RequestCredentials): void {
    const refusal = credentials.rewrite();
    if (refusal === undefined) this.#connect(true);
    else this.#refuseFor(refusal);
  }

  #refuseFor(refusal: ImmediateRefusal): void {
    this.#refuse(refusal.rule, refusal.reason, refusal.status);
  }

  #refuse(rule: string, reason: string, status: number): void {
    this.#record.requestBody = this.#upload.bodyDigest();
    this.#end({ type: 'RequestRefused', data: { request: this.#record.request(), rule, reason, status } }, status, reason);
  }

  #fail(stage: FailureStage, reason: string, status: number): void {
    const response = this.#response === undefined ? null : this.#record.response(this.#response, this.#upstreamAddress);
    const received = { receivedBytes: this.#responseDigester.size, received: this.#responseDigester.received() };
    this.#end({ type: 'DownloadFailed', data: { request: this.#record.request(), response, stage, reason, ...received } }, status, reason);
  }

  /** Records how the exchange ended without a response of the origin, and tells the build if it can still be told. */
  #end(event: TrafficEvent, status: number, reason: string): void {
    if (this.#settled) return;
    this.#release();
    void this.#recordEvent(event).then(async (recorded) => {
      await this.#spool?.discard();
      if (!recorded) return;
      this.#answer(status, reason);
    });
  }

  /** No record is owed: the session is closed or its record cannot be reached, and nothing went upstream. */
  #answerUnrecorded(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#release();
    this.#leave?.();
    if (this.session.refusal() === 'record-unavailable') this.#answer(503, 'the record cannot be written now, so nothing is fetched; try again');
    else this.#answer(407, '407 Proxy Authentication Required');
  }

  /** Aborts what still runs towards upstream. */
  #release(): void {
    clearTimeout(this.#headTimer);
    this.#abort.abort();
    this.#upstream?.destroy();
    this.#upstream = undefined;
    this.#upload.detach();
  }

  #answer(status: number, reason: string): void {
    const { socket } = this.host;
    if (status === 0 || this.#delivery?.started === true || socket.destroyed) {
      socket.destroy();
      this.#keepAlive = false;
    } else {
      // What is left of a request body is not read: the connection cannot be used again.
      if (!this.#upload.isComplete) this.#keepAlive = false;
      if (status === 407 || status === 503) this.#keepAlive = false;
      socket.write(ownAnswer(status, reason, { keepAlive: this.#keepAlive, method: this.request.head.method }), 'latin1');
    }
    this.#answered = true;
    this.#finishHost();
  }

  /** False when the record did not take it; the build's connection is cut before the last byte then. */
  async #recordEvent(event: TrafficEvent): Promise<boolean> {
    if (this.#settled) return false;
    this.#settled = true;
    try {
      await this.context.ports.recorder.record(this.session.id, event);
      return true;
    } catch (error) {
      this.context.log.warn({ session: this.session.id, code: isMillraceError(error) ? error.code : 'internal' }, `not recorded, so not delivered: ${errorMessage(error)}`);
      if (this.#delivery?.started !== true && !this.host.socket.destroyed) this.host.socket.write(ownAnswer(503, 'the download could not be recorded, so it is not delivered', { keepAlive: false }), 'latin1');
      this.#answered = true;
      this.#keepAlive = false;
      this.#finishHost();
      return false;
    } finally {
      this.#leave?.();
    }
  }

  #hasPendingInspector(): boolean {
    return Object.values(this.#record.requestInspection).some((inspection) => inspection.opinion === 'Pending');
  }

  #deliveryFraming(framing: BodyFraming): DeliveryFraming {
    if (framing.kind === 'none' || framing.kind === 'length') return framing;
    return { kind: this.request.head.minor === 1 ? 'chunked' : 'close' };
  }

  #waitForSpool(spool: BodySpool): void {
    if (this.#spoolBlocked) return;
    this.#spoolBlocked = true;
    this.#upstream?.pause();
    spool.drained().then(
      () => {
        this.#spoolBlocked = false;
        this.#resumeUpstream();
      },
      (error: unknown) => this.#fail('spool', `the body cannot be spooled: ${errorMessage(error)}`, 502),
    );
  }

  #resumeUpstream(): void {
    if (!this.#spoolBlocked && !this.#clientBlocked) this.#upstream?.resume();
  }

  #finishHost(): void {
    if (!this.#answered || this.#hostDone) return;
    this.#hostDone = true;
    if (!this.#upload.isComplete) this.#keepAlive = false;
    this.host.exchangeDone(this.#keepAlive);
  }
}
