import { writeResponseHead } from '../http1/head-writer.js';
import type { BodyFraming, ResponseHead } from '../http1/message-head.js';
import type { BodySpool } from './body-spool.js';
import type { ExchangeHost } from './exchange-host.js';
import type { ProxiedRequest } from './proxied-request.js';
import { ownAnswer } from './refusal.js';
import { ResponseDelivery, type DeliveryFraming } from './response-delivery.js';
import type { ResponseTreatment } from './response-treatment.js';

/** Fields of a response that speak of its exact bytes; wrong for a body that was replaced. */
const ofTheBytes: ReadonlySet<string> = new Set(['content-encoding', 'content-md5', 'content-digest', 'repr-digest', 'digest', 'etag', 'last-modified', 'accept-ranges']);
const nothing: ReadonlySet<string> = new Set();

/** What the build's side of an exchange writes, and whether it goes on. */
export class BuildSide {
  keepAlive: boolean;
  /** Whatever the build gets has been handed to its socket. */
  answered = false;
  /** The socket takes no more for now. */
  blocked = false;
  #delivery: ResponseDelivery | undefined;
  #headTimer: NodeJS.Timeout | undefined;
  #onUnblocked: (() => void) | undefined;

  constructor(
    private readonly host: ExchangeHost,
    private readonly request: ProxiedRequest,
  ) {
    this.keepAlive = request.keepAlive;
  }

  /** Something, at least a head, has gone out. */
  get started(): boolean {
    return this.#delivery?.started === true;
  }

  /** Prepares the head of a response that streams through or is held; `earlyAfter`: milliseconds until a held one's head goes out alone. */
  begin(head: ResponseHead, framing: BodyFraming, earlyAfter: number | undefined): void {
    const delivery = this.#framing(framing);
    if (delivery.kind === 'close') this.keepAlive = false;
    const text = this.#head(head, {
      framing: framing.kind === 'none' || delivery.kind === 'none' ? 'as-sent' : delivery.kind,
      length: delivery.kind === 'length' ? delivery.length : undefined,
    });
    this.#delivery = new ResponseDelivery(this.host.socket, text, delivery);
    // A head without a body is the whole answer: it waits for the verdict and the record.
    if (earlyAfter !== undefined && framing.kind !== 'none') this.#headTimer = setTimeout(() => this.#delivery?.startEarly(), earlyAfter);
  }

  /** False: wait until `unblock`. */
  write(chunk: Buffer): boolean {
    if (this.#delivery?.write(chunk) !== false) return true;
    this.blocked = true;
    return false;
  }

  /** The socket takes more, or is closed. */
  unblock(): void {
    this.blocked = false;
    this.#onUnblocked?.();
  }

  stopTimer(): void {
    clearTimeout(this.#headTimer);
  }

  /** The response is recorded, and in order. */
  async deliver(head: ResponseHead, what: { readonly treatment: ResponseTreatment; readonly spool: BodySpool | undefined; readonly replacement: Buffer | undefined }): Promise<void> {
    const { socket } = this.host;
    if (what.treatment === 'withhold') {
      socket.write(this.#head(head, { framing: 'length', length: 0 }), 'latin1');
    } else if (what.replacement !== undefined) {
      socket.write(this.#head(head, { framing: 'length', length: what.replacement.length, without: ofTheBytes }), 'latin1');
      if (this.request.head.method !== 'HEAD') socket.write(what.replacement);
    } else {
      if (what.treatment === 'hold' && what.spool !== undefined) await this.#deliverHeld(what.spool).catch(() => socket.destroy());
      this.#delivery?.release();
    }
    this.answered = true;
  }

  /** An answer of the proxy's own in the place of the response; what has begun already is cut. `status` 0: there is nobody to answer. */
  answer(status: number, reason: string): void {
    const { socket } = this.host;
    this.answered = true;
    if (status === 0 || this.started || socket.destroyed) {
      socket.destroy();
      this.keepAlive = false;
      return;
    }
    if (status === 407 || status === 503) this.keepAlive = false;
    socket.write(ownAnswer(status, reason, { keepAlive: this.keepAlive, method: this.request.head.method }), 'latin1');
  }

  /** The record did not take it: cut before the last byte, or say so. */
  giveUp(): void {
    const { socket } = this.host;
    if (!this.started && !socket.destroyed) socket.write(ownAnswer(503, 'the download could not be recorded, so it is not delivered', { keepAlive: false }), 'latin1');
    this.answered = true;
    this.keepAlive = false;
  }

  async #deliverHeld(spool: BodySpool): Promise<void> {
    for await (const chunk of spool.read()) {
      if (this.host.socket.destroyed) return;
      if (this.write(chunk as Buffer)) continue;
      await new Promise<void>((resolve) => {
        this.#onUnblocked = resolve;
      });
    }
  }

  #head(head: ResponseHead, how: { readonly framing: 'length' | 'chunked' | 'close' | 'as-sent'; readonly length: number | undefined; readonly without?: ReadonlySet<string> }): string {
    return writeResponseHead(head, { framing: how.framing, length: how.length, without: how.without ?? nothing, keepAlive: this.keepAlive, clientMinor: this.request.head.minor });
  }

  #framing(framing: BodyFraming): DeliveryFraming {
    if (framing.kind === 'none' || framing.kind === 'length') return framing;
    return { kind: this.request.head.minor === 1 ? 'chunked' : 'close' };
  }
}
