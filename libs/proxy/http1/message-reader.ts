import { ChunkedDecoder } from './chunked-decoder.js';
import { MalformedMessage, type BodyFraming } from './message-head.js';

export interface MessageReaderHandler {
  /** A whole head in latin1; answers how the body is delimited. May throw MalformedMessage. */
  onHead(text: string): BodyFraming;
  /** A view of the read buffer: copy what must outlive the call. */
  onBody(chunk: Buffer): void;
  /** The message is complete; nothing more is read until `next()`. */
  onEnd(): void;
  /** The stream must not be interpreted any further. */
  onMalformed(error: MalformedMessage): void;
}

type State = 'head' | 'body' | 'between' | 'failed';

const headEnd = Buffer.from('\r\n\r\n');

/**
 * Cuts a byte stream into messages, one at a time: after `onEnd` the rest of the bytes (a pipelined request) waits until
 * `next()`. Holds at most one head in memory.
 */
export class MessageReader {
  #state: State = 'head';
  #pending: Buffer | undefined;
  #framing: BodyFraming = { kind: 'none' };
  #remaining = 0;
  #chunked: ChunkedDecoder | undefined;
  #feeding = false;
  readonly #handler: MessageReaderHandler;
  readonly #maximumHead: number;
  readonly #onData = (data: Buffer): void => {
    this.#handler.onBody(data);
  };

  /** `maximumHead` in bytes. */
  constructor(handler: MessageReaderHandler, maximumHead: number) {
    this.#handler = handler;
    this.#maximumHead = maximumHead;
  }

  /** Bytes of an unfinished head, or of a message that is not asked for yet. */
  get buffered(): number {
    return this.#pending?.length ?? 0;
  }

  /** True while a message has been begun and not ended. */
  get isInsideMessage(): boolean {
    return this.#state === 'body' || (this.#state === 'head' && this.buffered > 0);
  }

  feed(chunk: Buffer): void {
    if (this.#state === 'failed') return;
    this.#pending = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#run();
  }

  /** Goes on to the next message. */
  next(): void {
    if (this.#state !== 'between') return;
    this.#state = 'head';
    this.#run();
  }

  /** Ends reading for good and takes the bytes that were not consumed: the connection changes its protocol, or is given up. */
  takeRest(): Buffer | undefined {
    const rest = this.#pending;
    this.#pending = undefined;
    this.#state = 'failed';
    return rest;
  }

  /** The stream ended. True when that is a proper end: between messages, or of a body that is delimited by it. */
  end(): boolean {
    if (this.#state === 'body' && this.#framing.kind === 'close') {
      this.#finish();
      return true;
    }
    return !this.isInsideMessage;
  }

  #run(): void {
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      while (this.#pending !== undefined && this.#step()) {
        // each step consumes from #pending
      }
    } catch (error) {
      this.#state = 'failed';
      this.#pending = undefined;
      if ((error as { name?: unknown }).name !== 'MalformedMessage') throw error;
      this.#handler.onMalformed(error as MalformedMessage);
    } finally {
      this.#feeding = false;
    }
  }

  /** False when more bytes, or a call of `next()`, are needed. */
  #step(): boolean {
    if (this.#state === 'head') return this.#readHead();
    if (this.#state === 'body') {
      this.#readBody();
      return true;
    }
    return false;
  }

  #readHead(): boolean {
    let pending = this.#pending as Buffer;
    // Robustness that RFC 9112 2.2 asks for: an empty line before a request line.
    if (pending.length >= 2 && pending[0] === 0x0d && pending[1] === 0x0a) {
      pending = pending.subarray(2);
      this.#pending = pending.length === 0 ? undefined : pending;
      if (pending.length >= 2 && pending[0] === 0x0d) throw new MalformedMessage(400, 'empty lines before the message');
      return pending.length > 0;
    }
    const end = pending.indexOf(headEnd);
    if (end > this.#maximumHead || (end === -1 && pending.length > this.#maximumHead)) throw new MalformedMessage(431, `head larger than ${this.#maximumHead} bytes`);
    if (end === -1) return false;
    const text = pending.toString('latin1', 0, end);
    this.#pending = end + 4 === pending.length ? undefined : pending.subarray(end + 4);
    this.#state = 'body';
    this.#framing = this.#handler.onHead(text);
    // takeRest() inside onHead: the protocol has changed.
    if ((this.#state as State) === 'failed') return false;
    if (this.#framing.kind === 'none') this.#finish();
    else if (this.#framing.kind === 'length') this.#remaining = this.#framing.length;
    else if (this.#framing.kind === 'chunked') this.#chunked = new ChunkedDecoder();
    return true;
  }

  #readBody(): void {
    const pending = this.#pending as Buffer;
    this.#pending = undefined;
    if (this.#framing.kind === 'chunked') {
      const decoder = this.#chunked as ChunkedDecoder;
      const offset = decoder.decode(pending, 0, this.#onData);
      if (offset < pending.length) this.#pending = pending.subarray(offset);
      if (decoder.done) this.#finish();
      return;
    }
    if (this.#framing.kind === 'close') {
      this.#handler.onBody(pending);
      return;
    }
    const take = Math.min(this.#remaining, pending.length);
    this.#remaining -= take;
    if (take < pending.length) this.#pending = pending.subarray(take);
    this.#handler.onBody(take === pending.length ? pending : pending.subarray(0, take));
    if (this.#remaining === 0) this.#finish();
  }

  #finish(): void {
    if (this.#state === 'failed') return;
    this.#state = 'between';
    this.#chunked = undefined;
    this.#handler.onEnd();
  }
}
