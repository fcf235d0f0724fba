import type { Socket } from 'node:net';
import { isPersistent, MalformedMessage, parseRequestHead, requestFraming, type BodyFraming, type RequestHead } from '../http1/message-head.js';
import { MessageReader, type MessageReaderHandler } from '../http1/message-reader.js';
import type { LiveSession } from '../ports.js';
import { Exchange } from './exchange.js';
import type { ExchangeHost, ImmediateRefusal } from './exchange-host.js';
import { proxiedRequest } from './proxied-request.js';
import type { RelayContext } from './proxy-context.js';
import { fieldOf } from '../http1/message-head.js';
import { readProxyCredentials } from './proxy-credentials.js';
import { recordMalformed } from './exchange-record.js';
import { authenticationRequired, ownAnswer } from './refusal.js';
import { addressRequest, type Tunnel } from './request-address.js';
import { openTunnel } from './tunnel.js';
import { parseAuthority } from '../target/request-target.js';

/** How long the rest of a refused request is read and thrown away, so that the answer is not lost to a reset. */
const lingerMilliseconds = 2_000;
const continueLine = 'HTTP/1.1 100 Continue\r\n\r\n';

/**
 * One connection of a build: to the proxy itself, or (with `tunnel`) the decrypted inside of a CONNECT. Reads one request at a
 * time, finds out whose it is and runs its exchange.
 */
export class ClientConnection implements MessageReaderHandler, ExchangeHost {
  readonly clientAddress: string;
  readonly #reader: MessageReader;
  #exchange: Exchange | undefined;
  /** Body bytes that arrived before the exchange exists. */
  #early: Buffer[] = [];
  #requestEnded = false;
  #busy = false;
  #closing = false;
  #inputEnded = false;
  #headTimer: NodeJS.Timeout | undefined;
  #credentials = '';
  #session: LiveSession | undefined;
  readonly #listeners: Readonly<Record<string, (chunk: Buffer) => void>>;

  constructor(
    private readonly context: RelayContext,
    readonly socket: Socket,
    private readonly options: { readonly clientAddress: string; readonly tunnel?: Tunnel },
  ) {
    this.clientAddress = options.clientAddress;
    this.#session = options.tunnel?.session;
    this.#reader = new MessageReader(this, context.limits.requestHeadBytes);
    // Whoever has not said a word yet is waited for less long.
    socket.setTimeout(context.limits.requestHeadTimeout);
    this.#listeners = {
      data: (chunk: Buffer) => this.#onData(chunk),
      end: () => this.#onInputEnd(),
      drain: () => this.#exchange?.onClientDrain(),
      timeout: () => this.#onTimeout(),
      error: () => undefined, // 'close' follows and says all that is needed
      close: () => this.#onClose(),
    };
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
    context.connections.add(this);
  }

  /** Ends after the running exchange, or now. */
  shutdown(): void {
    if (this.#busy) this.#inputEnded = true;
    else this.#close();
  }

  onHead(text: string): BodyFraming {
    clearTimeout(this.#headTimer);
    this.#headTimer = undefined;
    const head = parseRequestHead(text);
    const framing = requestFraming(head);
    if (this.socket.timeout !== this.context.limits.idleTimeout) this.socket.setTimeout(this.context.limits.idleTimeout);
    this.#busy = true;
    this.#requestEnded = false;
    if (this.options.tunnel !== undefined) this.#startExchange(this.options.tunnel.session, head);
    else if (head.method === 'CONNECT') this.#connect(head, framing);
    else this.#authenticate(head, (session) => this.#startExchange(session, head));
    return framing;
  }

  onBody(chunk: Buffer): void {
    if (this.#exchange !== undefined) this.#exchange.onRequestBody(chunk);
    else if (!this.#closing) {
      this.#early.push(chunk);
      this.socket.pause();
    }
  }

  onEnd(): void {
    this.#requestEnded = true;
    this.#exchange?.onRequestEnd();
  }

  onMalformed(error: MalformedMessage): void {
    if (this.#exchange !== undefined) {
      this.#exchange.onClientClosed(`malformed request body: ${error.message}`);
      return;
    }
    this.#busy = true;
    const answer = (): void => this.#refuse(error.status, error.message);
    if (this.#session === undefined || !this.#session.admits()) {
      answer();
      return;
    }
    // In a session, what was refused is part of the record.
    const origin = this.options.tunnel === undefined ? '' : this.options.tunnel.origin;
    recordMalformed(this.context.ports.recorder, this.#session, { url: origin, clientAddress: this.clientAddress, reason: error.message, status: error.status }).then(answer, answer);
  }

  pauseRequest(): void {
    this.socket.pause();
  }

  resumeRequest(): void {
    if (!this.#closing) this.socket.resume();
  }

  exchangeDone(keepAlive: boolean): void {
    this.#exchange = undefined;
    this.#busy = false;
    if (this.socket.destroyed) return;
    if (!keepAlive || this.#inputEnded) {
      this.#close();
      return;
    }
    this.socket.resume();
    this.#reader.next();
    this.#watchHead();
  }

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      // One request must not end the process that carries all the others.
      this.context.log.error({ err: error }, 'a request could not be handled');
      this.socket.destroy();
      return;
    }
    this.#watchHead();
    // A client that pipelines is not read further than one read ahead.
    if (this.#busy && this.#requestEnded && this.#reader.buffered > 0) this.socket.pause();
  }

  /** A head must arrive whole in time, however slowly its bytes drip. */
  #watchHead(): void {
    if (this.#headTimer !== undefined || this.#busy || this.#closing || this.#reader.buffered === 0) return;
    this.#headTimer = setTimeout(() => this.#refuseLateHead(), this.context.limits.requestHeadTimeout);
  }

  #startExchange(session: LiveSession, head: RequestHead): void {
    const addressed = addressRequest(head, this.options.tunnel);
    if (!addressed.ok && addressed.target === undefined) {
      this.onMalformed(new MalformedMessage(addressed.status === 414 ? 414 : 400, addressed.reason));
      return;
    }
    const target = addressed.target;
    const keepAlive = isPersistent(head);
    const refusal: ImmediateRefusal | undefined = addressed.ok ? undefined : addressed;
    const exchange = new Exchange(this.context, session, this, proxiedRequest(session, head, { target, keepAlive }));
    this.#exchange = exchange;
    exchange.start(refusal);
    if (head.expectContinue && head.minor === 1 && exchange.wantsBody) this.socket.write(continueLine);
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) exchange.onRequestBody(chunk);
    if (this.#requestEnded) exchange.onRequestEnd();
  }

  #connect(head: RequestHead, framing: BodyFraming): void {
    const parsed = parseAuthority(head.target);
    if (framing.kind !== 'none') throw new MalformedMessage(400, 'CONNECT with a body');
    if (!parsed.ok) throw new MalformedMessage(400, parsed.reason);
    this.#authenticate(head, (session) => {
      this.#detach();
      const rest = this.#reader.takeRest();
      if (rest !== undefined) this.socket.unshift(rest);
      const { clientAddress } = this;
      const serve = (socket: Socket, tunnel: Tunnel): void => {
        new ClientConnection(this.context, socket, { clientAddress, tunnel });
      };
      openTunnel(this.context, this.socket, { session, authority: parsed.authority, clientAddress, serve });
    });
  }

  #authenticate(head: RequestHead, proceed: (session: LiveSession) => void): void {
    const field = fieldOf(head.fields, 'proxy-authorization') ?? '';
    if (field !== '' && field === this.#credentials && this.#session?.admits() === true) {
      proceed(this.#session);
      return;
    }
    const credentials = readProxyCredentials(field);
    if (credentials === undefined) {
      this.#demandCredentials();
      return;
    }
    this.context.ports.directory.authenticate(credentials.sessionId, credentials.token).then(
      (session) => {
        if (this.socket.destroyed || this.#closing) return;
        if (session === undefined) {
          this.#demandCredentials();
          return;
        }
        this.#credentials = field;
        this.#session = session;
        proceed(session);
      },
      (error: unknown) => {
        this.context.log.warn({ err: error }, 'credentials cannot be checked');
        this.#refuse(503, 'the session cannot be looked up now; try again');
      },
    );
  }

  /** The socket gets another reader. */
  #detach(): void {
    for (const [event, listener] of Object.entries(this.#listeners)) this.socket.off(event, listener);
    this.socket.setTimeout(0);
    this.socket.pause();
    this.context.connections.delete(this);
  }

  #demandCredentials(): void {
    this.socket.write(authenticationRequired(), 'latin1');
    this.#close();
  }

  #refuseLateHead(): void {
    this.#refuse(400, 'the request head did not arrive in time');
  }

  #refuse(status: number, reason: string): void {
    if (this.#closing || this.socket.destroyed) return;
    this.socket.write(ownAnswer(status, reason, { keepAlive: false }), 'latin1');
    this.#close();
  }

  /** Ends our side; what the client still sends is read and dropped for a moment. */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    clearTimeout(this.#headTimer);
    this.#early = [];
    this.#reader.takeRest();
    this.socket.end();
    this.socket.resume();
    setTimeout(() => this.socket.destroy(), lingerMilliseconds).unref();
  }

  #onInputEnd(): void {
    this.#inputEnded = true;
    if (!this.#busy) this.#close();
    else if (this.#requestEnded) return; // a half-closed client still gets its answer
    else if (this.#exchange === undefined) this.socket.destroy();
    else this.#exchange.onClientClosed('the build closed its connection in the middle of its request');
  }

  #onTimeout(): void {
    if (!this.#busy && this.#reader.buffered > 0) this.#refuseLateHead();
    else if (!this.#busy) this.#close();
    else if (this.#exchange === undefined || this.#exchange.waitsForClient) this.socket.destroy(new Error('the build did not read or write in time'));
    // Otherwise the origin is waited for; that has a limit of its own.
  }

  #onClose(): void {
    this.context.connections.delete(this);
    clearTimeout(this.#headTimer);
    this.#closing = true;
    this.#reader.takeRest();
    this.#exchange?.onClientClosed('the build closed its connection');
  }
}
