/**
 * Heads of HTTP/1.1 messages (RFC 9112), read strictly: whatever two parties could read differently is an error here, because a
 * proxy that guesses is how requests are smuggled. Bare CR or LF, folded lines, white space before a colon, conflicting or
 * repeated framing fields and unknown transfer codings are refused, never repaired.
 */

/** How the body of a message is delimited. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

/** Field lines in order as `[name, value, name, value, …]`, names as sent, values without surrounding white space. */
export type RawFields = readonly string[];

interface FieldFacts {
  readonly fields: RawFields;
  /** Value of the one Content-Length; -1 when there is none. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** Lower-case tokens of all Connection fields. */
  readonly connection: readonly string[];
  readonly host: string | undefined;
  /** Lower-case, empty when absent. */
  readonly upgrade: string;
  readonly expectContinue: boolean;
}

export interface RequestHead extends FieldFacts {
  readonly method: string;
  readonly target: string;
  /** 0 or 1, of HTTP/1.x. */
  readonly minor: 0 | 1;
}

export interface ResponseHead extends FieldFacts {
  readonly status: number;
  readonly statusText: string;
  readonly minor: 0 | 1;
}

/** A message that must not be interpreted. `status` is what a client is answered with; towards upstream it is always 502. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
  constructor(
    readonly status: 400 | 413 | 414 | 417 | 431 | 501 | 505,
    message: string,
  ) {
    super(message);
  }
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Visible characters, obs-text, space and tab; no control characters.
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const requestTarget = /^[\x21-\x7e\x80-\xff]+$/;
const maximumFields = 256;
const maximumTarget = 16 * 1024;

/** `text` is the head in latin1, without the empty line that ends it. */
export function parseRequestHead(text: string): RequestHead {
  const lineEnd = text.indexOf('\r\n');
  const line = lineEnd === -1 ? text : text.slice(0, lineEnd);
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  if (first <= 0 || last <= first) throw new MalformedMessage(400, 'malformed request line');
  const method = line.slice(0, first);
  const target = line.slice(first + 1, last);
  const minor = minorVersion(line.slice(last + 1));
  if (method.length > 32 || !token.test(method)) throw new MalformedMessage(400, 'malformed method');
  if (target.length > maximumTarget) throw new MalformedMessage(414, 'request target too long');
  if (!requestTarget.test(target)) throw new MalformedMessage(400, 'malformed request target');
  const facts = parseFields(text, lineEnd === -1 ? text.length : lineEnd + 2, true);
  if (facts.chunked && minor === 0) throw new MalformedMessage(400, 'Transfer-Encoding in an HTTP/1.0 request');
  if (minor === 1 && facts.host === undefined) throw new MalformedMessage(400, 'missing Host');
  return { method, target, minor, ...facts };
}

export function parseResponseHead(text: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const line = lineEnd === -1 ? text : text.slice(0, lineEnd);
  const match = /^(HTTP\/1\.[0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(line);
  if (match === null) throw new MalformedMessage(400, 'malformed status line');
  const facts = parseFields(text, lineEnd === -1 ? text.length : lineEnd + 2, false);
  // Inspectors undo the coding that they see; a client that joins two lines would see another body.
  if (countOf(facts.fields, 'content-encoding') > 1) throw new MalformedMessage(400, 'more than one Content-Encoding');
  return { status: Number(match[2]), statusText: match[3] ?? '', minor: minorVersion(match[1] ?? ''), ...facts };
}

/** Of a request: no framing field means no body. */
export function requestFraming(head: RequestHead): BodyFraming {
  if (head.chunked) return { kind: 'chunked' };
  return head.contentLength > 0 ? { kind: 'length', length: head.contentLength } : { kind: 'none' };
}

/** Of a response, which depends on the request's method (RFC 9112 section 6.3). */
export function responseFraming(head: ResponseHead, method: string): BodyFraming {
  if (method === 'HEAD' || head.status === 204 || head.status === 304 || head.status < 200) return { kind: 'none' };
  if (head.chunked) return { kind: 'chunked' };
  if (head.contentLength === 0) return { kind: 'none' };
  return head.contentLength > 0 ? { kind: 'length', length: head.contentLength } : { kind: 'close' };
}

/** Whether the sender keeps the connection open after this message. */
export function isPersistent(head: RequestHead | ResponseHead): boolean {
  if (head.connection.includes('close')) return false;
  return head.minor === 1 || head.connection.includes('keep-alive');
}

/** First value of a field by lower-case name. */
export function fieldOf(fields: RawFields, name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    const candidate = fields[index] as string;
    if (candidate.length === name.length && candidate.toLowerCase() === name) return fields[index + 1];
  }
  return undefined;
}

function countOf(fields: RawFields, name: string): number {
  let count = 0;
  for (let index = 0; index < fields.length; index += 2) if (fields[index]?.length === name.length && fields[index]?.toLowerCase() === name) count += 1;
  return count;
}

function minorVersion(version: string): 0 | 1 {
  if (version === 'HTTP/1.1') return 1;
  if (version === 'HTTP/1.0') return 0;
  if (/^HTTP\/1\.[2-9]$/.test(version)) return 1;
  throw new MalformedMessage(/^HTTP\/[0-9](\.[0-9])?$/.test(version) ? 505 : 400, 'unsupported HTTP version');
}

function parseFields(text: string, start: number, isRequest: boolean): FieldFacts {
  const fields: string[] = [];
  let contentLength = -1;
  let transferEncoding: string | undefined;
  let host: string | undefined;
  let upgrade = '';
  let expectContinue = false;
  const connection: string[] = [];
  let position = start;
  while (position < text.length) {
    let end = text.indexOf('\r\n', position);
    if (end === -1) end = text.length;
    const colon = text.indexOf(':', position);
    if (colon === -1 || colon >= end) throw new MalformedMessage(400, 'field line without a colon');
    const name = text.slice(position, colon);
    // A folded line starts with white space and a space before the colon ends a name: both fail the token test.
    if (!token.test(name)) throw new MalformedMessage(400, 'malformed field name');
    const value = trimmed(text, colon + 1, end);
    if (!fieldValue.test(value)) throw new MalformedMessage(400, `malformed value of ${name}`);
    if (fields.length >= maximumFields * 2) throw new MalformedMessage(431, `more than ${maximumFields} fields`);
    fields.push(name, value);
    position = end + 2;
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'host') {
          if (host !== undefined && isRequest) throw new MalformedMessage(400, 'more than one Host');
          host = value;
        }
        break;
      case 6:
        if (isRequest && name.toLowerCase() === 'expect') {
          if (value.toLowerCase() !== '100-continue') throw new MalformedMessage(417, 'unknown expectation');
          expectContinue = true;
        }
        break;
      case 7:
        if (name.toLowerCase() === 'upgrade') upgrade = value.toLowerCase();
        break;
      case 10:
        if (name.toLowerCase() === 'connection') for (const item of value.split(',')) connection.push(item.trim().toLowerCase());
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') contentLength = readLength(value, contentLength, isRequest);
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') {
          if (transferEncoding !== undefined) throw new MalformedMessage(400, 'more than one Transfer-Encoding');
          transferEncoding = value.toLowerCase();
        }
        break;
      default:
    }
  }
  if (transferEncoding !== undefined) {
    if (contentLength !== -1) throw new MalformedMessage(400, 'both Transfer-Encoding and Content-Length');
    if (transferEncoding !== 'chunked') throw new MalformedMessage(501, 'unsupported transfer coding');
  }
  return { fields, contentLength, chunked: transferEncoding !== undefined, connection, host, upgrade, expectContinue };
}

function readLength(value: string, previous: number, isRequest: boolean): number {
  if (!/^[0-9]{1,15}$/.test(value)) throw new MalformedMessage(400, 'malformed Content-Length');
  const length = Number(value);
  // Some origins repeat the field with the same value; that is unambiguous in a response. A request has no excuse.
  if (previous !== -1 && (isRequest || previous !== length)) throw new MalformedMessage(400, 'more than one Content-Length');
  return length;
}

function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
