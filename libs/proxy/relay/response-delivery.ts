import type { AnswerSink } from './exchange-host.js';

const chunkEnd = Buffer.from('\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');
const joinLimit = 64 * 1024;

export type DeliveryFraming = { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' } | { readonly kind: 'close' } | { readonly kind: 'none' };

/**
 * Writes one response to the build and keeps its completion back: the client cannot take the response for whole before
 * `release()`, which the exchange calls when the record is durable. With a known length the chunk that completes the body waits;
 * otherwise the last byte seen so far does (and the end of the coding), so that everything before it flows at once.
 */
export class ResponseDelivery {
  #head: string | undefined;
  #forwarded = 0;
  #held: Buffer | undefined;

  constructor(
    private readonly socket: AnswerSink,
    head: string,
    private readonly framing: DeliveryFraming,
  ) {
    this.#head = head;
  }

  /** True when something, at least the head, has gone out. */
  get started(): boolean {
    return this.#head === undefined;
  }

  /** False: wait for the socket to drain. */
  write(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    if (this.framing.kind === 'length') {
      this.#forwarded += chunk.length;
      if (this.#forwarded >= this.framing.length) {
        this.#held = chunk;
        return true;
      }
      return this.#send(undefined, chunk);
    }
    const before = this.#held;
    this.#held = chunk.subarray(chunk.length - 1);
    const now = chunk.subarray(0, chunk.length - 1);
    return before === undefined && now.length === 0 ? true : this.#send(before, now);
  }

  /** Sends the head alone, for clients that must not wait for the first byte. */
  startEarly(): void {
    if (this.#head === undefined) return;
    this.socket.write(this.#head, 'latin1');
    this.#head = undefined;
  }

  /** Sends all that was kept back and ends the message. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    const head = this.#head;
    this.#head = undefined;
    if (this.framing.kind === 'length' || this.framing.kind === 'none') {
      this.#sendWhole(head, held);
      return;
    }
    this.socket.cork();
    if (head !== undefined) this.socket.write(head, 'latin1');
    if (held !== undefined) this.#writeChunk(undefined, held);
    if (this.framing.kind === 'chunked') this.socket.write(lastChunk);
    this.socket.uncork();
  }

  #sendWhole(head: string | undefined, body: Buffer | undefined): void {
    if (head === undefined) {
      if (body !== undefined) this.socket.write(body);
      return;
    }
    if (body === undefined || body.length > joinLimit) {
      this.socket.write(head, 'latin1');
      if (body !== undefined) this.socket.write(body);
      return;
    }
    // One buffer is one system call and, over TLS, one record.
    const whole = Buffer.allocUnsafe(head.length + body.length);
    whole.write(head, 0, 'latin1');
    body.copy(whole, head.length);
    this.socket.write(whole);
  }

  #send(before: Buffer | undefined, chunk: Buffer): boolean {
    this.socket.cork();
    if (this.#head !== undefined) {
      this.socket.write(this.#head, 'latin1');
      this.#head = undefined;
    }
    const writable = this.#writeChunk(before, chunk);
    this.socket.uncork();
    return writable;
  }

  #writeChunk(before: Buffer | undefined, chunk: Buffer): boolean {
    const size = (before?.length ?? 0) + chunk.length;
    if (this.framing.kind === 'chunked') this.socket.write(`${size.toString(16)}\r\n`, 'latin1');
    let writable = true;
    if (before !== undefined) writable = this.socket.write(before);
    if (chunk.length > 0) writable = this.socket.write(chunk);
    if (this.framing.kind === 'chunked') writable = this.socket.write(chunkEnd);
    return writable;
  }
}
