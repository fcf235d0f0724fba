import { errorMessage } from '../../errors/error-message.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import { runRequestInspection } from '../../inspection/request-inspection.js';
import { explainRefusal, hasRejection, judgeRequest } from '../../inspection/verdict.js';
import type { TrafficEvent } from '../../session/session-events.js';
import { fieldOf, type BodyFraming, type ResponseHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import type { InspectedRequest } from '../../inspection/inspector.js';
import { BodyDigester } from './body-digester.js';
import { BodySpool } from './body-spool.js';
import { BuildSide } from './build-side.js';
import type { ExchangeHost, ImmediateRefusal } from './exchange-host.js';
import { ExchangeRecord } from './exchange-record.js';
import { asUrl, wantedForm, type ProxiedRequest } from './proxied-request.js';
import type { RelayContext } from './proxy-context.js';
import { RequestCredentials } from './request-credentials.js';
import { RequestUpload } from './request-upload.js';
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
  #retried = false;
  #response: ResponseHead | undefined;
  #treatment: ResponseTreatment = 'stream';
  readonly #build: BuildSide;
  #spool: BodySpool | undefined;
  #spoolBlocked = false;
  /** The URL as whose content the response is judged, when a redirect of the session led here. */
  #judgedAs: string | undefined;
  #accept: string | undefined;
  /** The request has been judged. */
  #mayConnect = false;
  /** The one event of this exchange is decided. */
  #settled = false;
  #hostDone = false;

  constructor(
    private readonly context: RelayContext,
    private readonly session: LiveSession,
    private readonly host: ExchangeHost,
    private readonly request: ProxiedRequest,
  ) {
    this.#build = new BuildSide(host, request);
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
    this.#upload.keep();
    // Before the body arrives: it may have to be collected.
    this.#credentials = RequestCredentials.forRequest(session.secrets, request);
    this.#inspectRequest(request.inspected);
    if (judgeRequest(this.#record.requestInspection)) this.#proceed();
    else this.#judgeAsRedirected();
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
    else if (this.#mayConnect && this.#credentials?.needsBody === true && this.#upload.hasBody) this.#rewriteAndConnect(this.#credentials);
  }

  /** False when it has been refused, so that a body would be sent in vain. */
  get wantsBody(): boolean {
    return !this.#settled;
  }

  /** True when the exchange cannot go on before the build reads or writes. */
  get waitsForClient(): boolean {
    return this.#build.blocked || !this.#upload.isComplete;
  }

  /** The client's socket takes more again. */
  onClientDrain(): void {
    this.#build.unblock();
    this.#resumeUpstream();
  }

  /** The build closed its connection, or was silent for too long. */
  onClientClosed(reason: string): void {
    this.#fail('client', reason, 0);
    this.#build.unblock();
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
    const pending = this.#hasPendingInspector();
    const mayBeReplaced = pending && head.status === 200 && this.request.inspectionContext.visibleUntil !== undefined;
    this.#treatment = mayBeReplaced ? 'hold' : responseTreatment(this.session.policy, head.status, framing);
    const wanted = this.#treatment === 'hold' || (head.status === 200 && framing.kind !== 'none' && pending);
    if (wanted) this.#spool = new BodySpool(this.context.ports.bodies.spoolDirectory, this.#record.id);
    if (this.#treatment === 'withhold') return;
    // A head that has gone out says how long the body is, and what it is coded with.
    this.#build.begin(head, framing, this.#treatment === 'hold' && !mayBeReplaced ? this.context.limits.strictHeadAfter : undefined);
  }

  onResponseBody(chunk: Buffer): void {
    if (this.#settled) return;
    this.#responseDigester.update(chunk);
    if (this.#spool !== undefined && !this.#spool.write(chunk)) this.#waitForSpool(this.#spool);
    if (this.#treatment === 'stream' && !this.#build.write(chunk)) this.#upstream?.pause();
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
    upstream.writeHead(upstreamHead(this.request, { policy: this.session.policy, upstream: upstream.upstream, credentials: this.#credentials, accept: this.#accept }));
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
    const { context, session, request } = this;
    this.#record.requestBody = this.#upload.bodyDigest();
    const outcome = await settleResponse(context, session, {
      record: this.#record,
      request,
      requestBody: this.#upload.keptBody(),
      judgedAs: this.#judgedAs,
      head,
      upstreamAddress: this.#upstreamAddress,
      treatment: this.#treatment,
      digester: this.#responseDigester,
      spool: this.#spool,
      signal: this.#abort.signal,
    });
    this.#build.stopTimer();
    // Whoever follows must be known before the build can follow, on whichever process its next request arrives.
    const location = head.status >= 300 && head.status < 400 && judgeRequest(this.#record.requestInspection) ? fieldOf(head.fields, 'location') : undefined;
    if (location !== undefined) await context.redirects.remember(session, { from: request.inspected.url, location, judgedAs: this.#judgedAs ?? request.inspected.url });
    if (await this.#recordEvent(outcome.event)) await this.#deliver(head, outcome);
    else await this.#spool?.discard();
  }

  async #deliver(head: ResponseHead, outcome: SettledResponse): Promise<void> {
    if (this.#treatment !== 'withhold' && !outcome.deliver) this.#build.answer(this.#build.started ? 0 : 403, outcome.reason);
    else await this.#build.deliver(head, { treatment: this.#treatment, spool: this.#spool, replacement: outcome.replacement });
    await this.#spool?.discard();
    this.#finishHost();
  }

  #inspectRequest(inspected: InspectedRequest): void {
    const { request, context } = this;
    this.#record.requestInspection = runRequestInspection(context.ports.inspectors, inspected, request.inspectionContext);
  }

  /** The request is fine, or permissive: its credentials are found and it goes upstream. */
  #proceed(): void {
    const { request, context } = this;
    if (!this.#hasPendingInspector()) this.#upload.forget();
    else if (request.inspectionContext.visibleUntil !== undefined) this.#accept = wantedForm(context.ports.inspectors, this.#record.requestInspection, request);
    this.#mayConnect = true;
    if (this.#credentials?.refusal !== undefined) this.#refuseFor(this.#credentials.refusal);
    else if (this.#credentials?.needsBody !== true || !this.#upload.hasBody) this.#connect(true);
    else if (this.#upload.isComplete) this.#rewriteAndConnect(this.#credentials);
    else this.host.resumeRequest();
  }

  /** Not recognised: fine when a redirect of this session led here from a URL that is; else strict refuses it. */
  #judgeAsRedirected(): void {
    const { request, context, session } = this;
    const own = this.#record.requestInspection;
    const goOn = (): void => {
      if (session.policy === 'permissive') this.#proceed();
      else this.#refuse('policy', `download authorization denied: ${explainRefusal(this.#record.requestInspection)}`, 403);
    };
    if (hasRejection(own)) return goOn();
    context.redirects.find(session, request.inspected.url).then(
      (judgedAs) => {
        if (this.#settled) return;
        if (judgedAs === undefined) return goOn();
        this.#inspectRequest(asUrl(request.inspected, judgedAs));
        if (judgeRequest(this.#record.requestInspection)) {
          this.#judgedAs = judgedAs;
          this.#record.judgedAs = judgedAs;
          return this.#proceed();
        }
        // A rejection of it (by a policy) says more than that nobody knows its own URL.
        if (!hasRejection(this.#record.requestInspection)) this.#record.requestInspection = own;
        goOn();
      },
      (error: unknown) => this.#fail('record', errorMessage(error), 503),
    );
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
    this.#build.stopTimer();
    this.#abort.abort();
    this.#upstream?.destroy();
    this.#upstream = undefined;
    this.#upload.detach();
  }

  #answer(status: number, reason: string): void {
    // What is left of a request body is not read: the connection cannot be used again.
    if (!this.#upload.isComplete) this.#build.keepAlive = false;
    this.#build.answer(status, reason);
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
      this.#build.giveUp();
      this.#finishHost();
      return false;
    } finally {
      this.#leave?.();
    }
  }

  #hasPendingInspector(): boolean {
    return Object.values(this.#record.requestInspection).some((inspection) => inspection.opinion === 'Pending');
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
    if (!this.#spoolBlocked && !this.#build.blocked) this.#upstream?.resume();
  }

  #finishHost(): void {
    if (!this.#build.answered || this.#hostDone) return;
    this.#hostDone = true;
    if (!this.#upload.isComplete) this.#build.keepAlive = false;
    this.host.exchangeDone(this.#build.keepAlive);
  }
}
