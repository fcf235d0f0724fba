import { MalformedMessage } from './message-head.js';

const maximumSizeLine = 4 * 1024;
const maximumTrailers = 16 * 1024;
const sizeLine = /^([0-9A-Fa-f]{1,13})[\t ]*(;[\t\x20-\x7e\x80-\xff]*)?$/;
const trailerLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done';

/**
 * Undoes the chunked transfer coding, incrementally and strictly (CRLF only, sizes of at most 13 hex digits, bounded
 * extensions and trailers; both are dropped).
 */
export class ChunkedDecoder {
  #state: State = 'size';
  #remaining = 0;
  #line = '';
  #trailers = 0;

  /**
   * Consumes bytes from `offset`; calls `onData` at most once, with a view of all chunk data in them. The data is moved together in
   * place (the buffer is changed): an origin that sends chunks of one byte must not cost an object and several writes for each. Returns the offset behind what was consumed:
   * less than `chunk.length` only when the body has ended. Throws MalformedMessage.
   */
  decode(chunk: Buffer, offset: number, onData: (data: Buffer) => void): number {
    let position = offset;
    let start = -1;
    let filled = -1;
    try {
      while (position < chunk.length && this.#state !== 'done') {
        if (this.#state !== 'data') {
          position = this.#readLine(chunk, position);
          continue;
        }
        const end = Math.min(chunk.length, position + this.#remaining);
        this.#remaining -= end - position;
        if (this.#remaining === 0) this.#state = 'data-end';
        if (start === -1) {
          start = position;
          filled = end;
        } else {
          chunk.copyWithin(filled, position, end);
          filled += end - position;
        }
        position = end;
      }
    } finally {
      if (start !== -1) onData(chunk.subarray(start, filled));
    }
    return position;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  #readLine(chunk: Buffer, offset: number): number {
    const lineFeed = chunk.indexOf(0x0a, offset);
    const end = lineFeed === -1 ? chunk.length : lineFeed + 1;
    this.#line += chunk.toString('latin1', offset, end);
    if (this.#line.length > maximumSizeLine) throw new MalformedMessage(400, 'chunk size line or trailer too long');
    if (lineFeed === -1) return end;
    if (!this.#line.endsWith('\r\n')) throw new MalformedMessage(400, 'bare line feed in the chunked coding');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    this.#take(line);
    return end;
  }

  #take(line: string): void {
    if (this.#state === 'data-end') {
      if (line !== '') throw new MalformedMessage(400, 'chunk data longer than its size');
      this.#state = 'size';
      return;
    }
    if (this.#state === 'trailer') {
      this.#trailers += line.length;
      if (this.#trailers > maximumTrailers) throw new MalformedMessage(400, 'trailers too long');
      if (line === '') this.#state = 'done';
      else if (!trailerLine.test(line)) throw new MalformedMessage(400, 'malformed trailer');
      return;
    }
    const match = sizeLine.exec(line);
    if (match === null) throw new MalformedMessage(400, 'malformed chunk size');
    this.#remaining = Number.parseInt(match[1] as string, 16);
    this.#state = this.#remaining === 0 ? 'trailer' : 'data';
  }
}
