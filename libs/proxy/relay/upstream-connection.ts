import { errorMessage } from '../../errors/error-message.js';
import { isPersistent, MalformedMessage, parseResponseHead, responseFraming, type BodyFraming, type ResponseHead } from '../http1/message-head.js';
import type { ConnectResult } from '../upstream/connect.js';
import { MessageReader, type MessageReaderHandler } from '../http1/message-reader.js';

/** What an exchange hears from its upstream connection; nothing after `onResponseEnd` or `onUpstreamFailed`. */
export interface UpstreamHandler {
  onResponseHead(head: ResponseHead, framing: BodyFraming): void;
  onResponseBody(chunk: Buffer): void;
  onResponseEnd(): void;
  /** `stage` as in DownloadFailed. */
  onUpstreamFailed(stage: 'request' | 'response-head' | 'response-body', reason: string): void;
  onUpstreamDrain(): void;
}

export type ConnectedUpstream = Extract<ConnectResult, { ok: true }>;

const maximumResponseHead = 256 * 1024;

/** One connection to an origin, used by one exchange at a time; it hears the socket for its whole life. */
export class UpstreamConnection implements MessageReaderHandler {
  readonly #reader = new MessageReader(this, maximumResponseHead);
  #handler: UpstreamHandler | undefined;
  #method = '';
  #interim = false;
  #persistent = false;
  #headSeen = false;
  #requestSent = false;
  #retired = false;
  /** How many exchanges it has served: a first failure on a reused connection may be retried. */
  served = 0;
  dead = false;

  constructor(
    readonly upstream: ConnectedUpstream,
    readonly key: string,
    private readonly onIdle: (connection: UpstreamConnection) => void,
    private readonly onDead: (connection: UpstreamConnection) => void,
  ) {
    const { socket } = upstream;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error: Error) => this.#fail(error.message));
    socket.on('close', () => this.#fail('the connection was closed'));
    socket.on('drain', () => this.#handler?.onUpstreamDrain());
    socket.on('timeout', () => this.#fail('the origin did not answer in time'));
  }

  /** Takes the connection for one exchange. */
  begin(handler: UpstreamHandler, method: string, timeoutMilliseconds: number): void {
    this.#handler = handler;
    this.#method = method;
    this.#headSeen = false;
    this.#requestSent = false;
    this.upstream.socket.setTimeout(timeoutMilliseconds);
    this.upstream.socket.ref();
  }

  writeHead(text: string): boolean {
    return this.upstream.socket.write(text, 'latin1');
  }

  write(chunk: Buffer | string): boolean {
    return this.upstream.socket.write(chunk);
  }

  /**
   * Not used again after this exchange. For requests with a body: an origin that does not read it takes it for the next request, and its
   * answer would stand in the record as that of another URL.
   */
  retire(): void {
    this.#retired = true;
  }

  /** The request is complete; only then may the connection be used again. */
  requestSent(): void {
    this.#requestSent = true;
  }

  pause(): void {
    this.upstream.socket.pause();
  }

  resume(): void {
    this.upstream.socket.resume();
  }

  destroy(): void {
    this.#handler = undefined;
    this.dead = true;
    this.#reader.takeRest();
    this.upstream.socket.destroy();
    this.onDead(this);
  }

  onHead(text: string): BodyFraming {
    const head = parseResponseHead(text);
    this.#interim = head.status < 200;
    if (this.#interim) {
      if (head.status === 101) throw new MalformedMessage(400, 'the origin switched protocols without being asked');
      return { kind: 'none' };
    }
    this.#headSeen = true;
    const framing = responseFraming(head, this.#method);
    this.#persistent = isPersistent(head) && framing.kind !== 'close';
    this.#handler?.onResponseHead(head, framing);
    return framing;
  }

  onBody(chunk: Buffer): void {
    this.#handler?.onResponseBody(chunk);
  }

  onEnd(): void {
    if (this.#interim) {
      this.#interim = false;
      this.#reader.next();
      return;
    }
    const handler = this.#handler;
    this.#handler = undefined;
    this.served += 1;
    if (this.#persistent && !this.#retired && this.#requestSent && !this.dead && this.#reader.buffered === 0) {
      this.#reader.next();
      this.upstream.socket.resume();
      this.onIdle(this);
    } else {
      this.destroy();
    }
    handler?.onResponseEnd();
  }

  onMalformed(error: MalformedMessage): void {
    this.#fail(`malformed response: ${error.message}`);
  }

  #onData(chunk: Buffer): void {
    if (this.#handler === undefined) {
      // Bytes that nobody asked for would be taken for the answer to the next request.
      this.destroy();
      return;
    }
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      // One response must not end the process that carries all the others.
      this.#fail(`internal error: ${errorMessage(error)}`);
    }
  }

  #onEnd(): void {
    if (this.#handler !== undefined && this.#reader.end()) {
      if (this.#handler === undefined) return;
    }
    this.#fail('the origin closed the connection');
  }

  #fail(reason: string): void {
    const handler = this.#handler;
    if (!this.dead) this.destroy();
    this.#handler = undefined;
    if (handler === undefined) return;
    const stage = this.#headSeen ? 'response-body' : this.#requestSent ? 'response-head' : 'request';
    handler.onUpstreamFailed(stage, reason);
  }
}
