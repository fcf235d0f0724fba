import { createHash, hash, type Hash } from 'node:crypto';
import type { BodyDigest } from '../../session/exchange.js';

const headLimit = 4 * 1024;

/**
 * SHA-1 and SHA-256 of a body while it passes. Most bodies are one chunk: those are hashed in one call each, without hash
 * objects. Chunks are kept by reference until then (node:net and node:tls never reuse a buffer that they handed out).
 */
export class BodyDigester {
  #first: Buffer | undefined;
  #sha1: Hash | undefined;
  #sha256: Hash | undefined;
  #head: Buffer | undefined;
  #size = 0;
  #result: BodyDigest | undefined;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** The first bytes, at most 4 KiB. */
  get head(): Buffer {
    return this.#head ?? Buffer.alloc(0);
  }

  update(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#size < headLimit) this.#keepHead(chunk);
    this.#size += chunk.length;
    if (this.#sha1 !== undefined && this.#sha256 !== undefined) {
      this.#sha1.update(chunk);
      this.#sha256.update(chunk);
    } else if (this.#first === undefined) {
      this.#first = chunk;
    } else {
      this.#sha1 = createHash('sha1').update(this.#first).update(chunk);
      this.#sha256 = createHash('sha256').update(this.#first).update(chunk);
      this.#first = undefined;
    }
  }

  /** Of all that has passed; nothing may follow. */
  digest(): BodyDigest {
    this.#result ??= this.#finish();
    return this.#result;
  }

  /** The digest of a body that did not arrive whole; null when nothing arrived. */
  received(): BodyDigest | null {
    return this.#size === 0 ? null : this.digest();
  }

  #finish(): BodyDigest {
    if (this.#sha1 !== undefined && this.#sha256 !== undefined) {
      return { sha1: this.#sha1.digest('hex'), sha256: this.#sha256.digest('hex'), size: this.#size };
    }
    const bytes = this.#first ?? Buffer.alloc(0);
    return { sha1: hash('sha1', bytes), sha256: hash('sha256', bytes), size: this.#size };
  }

  #keepHead(chunk: Buffer): void {
    const room = headLimit - this.#size;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#head = this.#head === undefined ? part : Buffer.concat([this.#head, part]);
  }
}
