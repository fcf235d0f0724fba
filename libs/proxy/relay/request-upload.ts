import type { BodyDigest } from '../../session/exchange.js';
import { requestFraming, type RequestHead } from '../http1/message-head.js';
import { BodyDigester } from './body-digester.js';
import type { UpstreamConnection } from './upstream-connection.js';

/** A request body that inspectors may see is at most so many bytes. */
const inspectedLimit = 1024 * 1024;

/** The body of a request on its way upstream: digested as it arrives, queued while there is no connection yet, framed as it was sent. */
export class RequestUpload {
  readonly #chunked: boolean;
  readonly #digester: BodyDigester | undefined;
  #queued: Buffer[] = [];
  #upstream: UpstreamConnection | undefined;
  #complete = false;
  /** For inspectors; undefined: not wanted, or larger than they may see. */
  #kept: Buffer[] | undefined;
  #keptBytes = 0;

  constructor(head: RequestHead) {
    this.#chunked = head.chunked;
    this.#digester = requestFraming(head).kind === 'none' ? undefined : new BodyDigester();
  }

  get hasBody(): boolean {
    return this.#digester !== undefined;
  }

  /** All of the request has been read from the build. */
  get isComplete(): boolean {
    return this.#complete || this.#digester === undefined;
  }

  /** Counts and digests without sending: the body is rewritten, or not wanted any more. */
  digest(chunk: Buffer): void {
    this.#digester?.update(chunk);
    if (this.#kept === undefined) return;
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > inspectedLimit) this.#kept = undefined;
    else this.#kept.push(chunk);
  }

  /** From now on the body is kept for inspectors. */
  keep(): void {
    if (this.hasBody) this.#kept = [];
  }

  /** No inspector will ask for it. */
  forget(): void {
    this.#kept = undefined;
  }

  /** What was kept, when all of it has been sent. */
  keptBody(): Buffer | undefined {
    return this.#kept === undefined || !this.#complete ? undefined : Buffer.concat(this.#kept);
  }

  /** False: do not read on from the build until upstream drains or is connected. */
  write(chunk: Buffer): boolean {
    if (this.#upstream !== undefined) return this.#send(this.#upstream, chunk);
    this.#queued.push(chunk);
    return false;
  }

  end(): void {
    this.#complete = true;
    if (this.#upstream !== undefined) this.#finish(this.#upstream);
  }

  /** The head has gone out on this connection; what is queued follows. */
  attach(upstream: UpstreamConnection): void {
    this.#upstream = upstream;
    for (const chunk of this.#queued) this.#send(upstream, chunk);
    this.#queued = [];
    if (this.isComplete) this.#finish(upstream);
  }

  detach(): void {
    this.#upstream = undefined;
    this.#queued = [];
  }

  /** Null without a body, or when the build did not send all of it. */
  bodyDigest(): BodyDigest | null {
    return this.#digester === undefined || !this.#complete ? null : this.#digester.digest();
  }

  #send(upstream: UpstreamConnection, chunk: Buffer): boolean {
    if (!this.#chunked) return upstream.write(chunk);
    upstream.write(`${chunk.length.toString(16)}\r\n`);
    upstream.write(chunk);
    return upstream.write('\r\n');
  }

  #finish(upstream: UpstreamConnection): void {
    if (this.#chunked) upstream.write('0\r\n\r\n');
    upstream.requestSent();
  }
}
