import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** One file of a channel, as its repodata declare it. */
export interface DeclaredPackage {
  readonly file: string;
  /** 32 bytes; undefined when the repodata have MD5 only. */
  readonly sha256: Buffer | undefined;
}

export interface RepodataSummary {
  readonly packages: number;
  /** Where the files lie, relative to the document; empty for beside it. */
  readonly baseUrl: string;
}

const maxPackages = 3_000_000;
const maxRecord = 1024 * 1024;
const maxKey = 1024;
const maxDepth = 64;
const sections: ReadonlySet<string> = new Set(['packages', 'packages.conda']);
const [quote, backslash, open, close, openList, closeList, comma, colon] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];
const sha256Hex = /^[0-9a-fA-F]{64}$/;

/**
 * Scans a repodata document of any size while it streams by and hands over every package that it declares. Only one record at a time
 * is held and parsed; what lies between the records is passed over by its brackets. Own code: the documents of large channels have hundreds
 * of megabytes, more than can be parsed as one. Throws the reason for a document that is none, and for passed limits.
 */
export class RepodataScan {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #expectsKey = false;
  #section = '';
  #file = '';
  #packages = 0;
  #baseUrl = '';
  #ended = false;
  /** What is being kept, from chunks before this one; undefined: nothing. */
  #kept: Buffer[] | undefined;
  #keptBytes = 0;
  #keepsFrom = 0;
  #keeps: 'key' | 'record' | 'info' | undefined;

  constructor(private readonly found: (declared: DeclaredPackage) => void) {}

  push(chunk: Buffer): void {
    this.#keepsFrom = 0;
    // Most bytes are in strings without escapes: those are passed over by the native search.
    let escape = -1;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index] as number;
      if (this.#inString) {
        if (this.#escaped) {
          this.#escaped = false;
          continue;
        }
        if (escape < index) escape = nextOf(chunk, backslash, index);
        const end = nextOf(chunk, quote, index);
        index = Math.min(escape, end);
        if (escape < end) this.#escaped = true;
        else if (end < chunk.length) this.#endString(chunk, end);
      } else if (byte === quote) this.#startString(index);
      else if (byte === open || byte === openList) this.#enter(byte, index);
      else if (byte === close || byte === closeList) this.#leave(chunk, index);
      else if (byte === comma) this.#expectsKey = true;
      else if (byte === colon) this.#expectsKey = false;
      else if (this.#depth === 0 && byte > 0x20) throw refusal('the repodata are not a JSON object');
    }
    this.#keepRest(chunk);
  }

  end(): RepodataSummary {
    if (!this.#ended || this.#depth !== 0 || this.#inString) throw refusal('the repodata are cut off, or not a JSON object');
    return { packages: this.#packages, baseUrl: this.#baseUrl };
  }

  #startString(index: number): void {
    if (this.#depth === 0) throw refusal('the repodata are not a JSON object');
    this.#inString = true;
    const isKey = this.#expectsKey && this.#keeps === undefined && (this.#depth === 1 || (this.#depth === 2 && sections.has(this.#section)));
    if (isKey) this.#startKeeping('key', index);
  }

  #endString(chunk: Buffer, index: number): void {
    this.#inString = false;
    if (this.#keeps !== 'key') return;
    const key = parseBoundedJson(this.#endKeeping(chunk, index + 1)) as string;
    if (this.#depth === 1) this.#section = key;
    else this.#file = key;
  }

  #enter(byte: number, index: number): void {
    if (this.#depth === 0 && (byte !== open || this.#ended)) throw refusal('the repodata are not one JSON object');
    this.#depth += 1;
    if (this.#depth > maxDepth) throw limitExceeded(`the repodata are nested deeper than ${maxDepth} levels`);
    this.#expectsKey = byte === open;
    if (this.#keeps !== undefined) return;
    if (this.#depth === 2 && this.#section === 'info' && byte === open) this.#startKeeping('info', index);
    if (this.#depth === 3 && sections.has(this.#section)) {
      if (byte !== open) throw refusal(`the repodata have something else than an object for ${JSON.stringify(this.#file.slice(0, 120))}`);
      this.#startKeeping('record', index);
    }
  }

  #leave(chunk: Buffer, index: number): void {
    this.#depth -= 1;
    if (this.#depth < 0) throw refusal('the repodata are not valid JSON');
    if (this.#depth === 0) this.#ended = true;
    if (this.#depth === 2 && this.#keeps === 'record') this.#declare(this.#endKeeping(chunk, index + 1));
    else if (this.#depth === 1 && this.#keeps === 'info') this.#readInfo(this.#endKeeping(chunk, index + 1));
  }

  #declare(bytes: Buffer): void {
    this.#packages += 1;
    if (this.#packages > maxPackages) throw limitExceeded(`the repodata declare more than ${maxPackages} packages`);
    const record = parseBoundedJson(bytes);
    const sha256 = isRecord(record) ? own(record, 'sha256') : undefined;
    if (sha256 !== undefined && (typeof sha256 !== 'string' || !sha256Hex.test(sha256))) throw refusal(`the repodata have a sha256 of ${JSON.stringify(this.#file.slice(0, 120))} that is none`);
    this.found({ file: this.#file, sha256: sha256 === undefined ? undefined : Buffer.from(sha256, 'hex') });
  }

  #readInfo(bytes: Buffer): void {
    const info = parseBoundedJson(bytes);
    const baseUrl = isRecord(info) ? own(info, 'base_url') : undefined;
    if (typeof baseUrl === 'string') this.#baseUrl = baseUrl.slice(0, 4096);
  }

  #startKeeping(what: 'key' | 'record' | 'info', index: number): void {
    this.#keeps = what;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#keepsFrom = index;
  }

  #endKeeping(chunk: Buffer, end: number): Buffer {
    this.#keep(chunk.subarray(this.#keepsFrom, end));
    const kept = this.#kept ?? [];
    this.#keeps = undefined;
    this.#kept = undefined;
    return kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept);
  }

  #keepRest(chunk: Buffer): void {
    // A copy: the chunk's memory may be used again.
    if (this.#keeps !== undefined) this.#keep(Buffer.from(chunk.subarray(this.#keepsFrom)));
  }

  #keep(part: Buffer): void {
    this.#keptBytes += part.length;
    const limit = this.#keeps === 'key' ? maxKey : maxRecord;
    if (this.#keptBytes > limit) throw limitExceeded(`the repodata have a ${this.#keeps} of more than ${limit} bytes`);
    this.#kept?.push(part);
  }
}

/** Where a byte stands next, or the chunk's length. */
function nextOf(chunk: Buffer, byte: number, from: number): number {
  const found = chunk.indexOf(byte, from);
  return found < 0 ? chunk.length : found;
}
