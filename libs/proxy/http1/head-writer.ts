import type { RawFields, RequestHead, ResponseHead } from './message-head.js';

/** Fields of one connection, not of the message (RFC 9110 section 7.6.1), and those that we write ourselves. */
const notForwarded = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'proxy-authentication-info', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'content-length', 'host', 'expect', 'millrace-refused']);
// Host of a response means nothing, `expect` is answered here, and only we say what was refused.

export interface RequestLine {
  /** Origin form, or absolute form towards a parent proxy. */
  readonly target: string;
  /** Value of Host, made from the target, never taken from the client. */
  readonly host: string;
}

export interface RequestHeadOptions {
  /** Lower-case names that are not forwarded besides the hop-by-hop ones. */
  readonly without?: ReadonlySet<string>;
  /** Raw lines to add, each ended by CRLF. */
  readonly extra?: string;
  /** Replaces the body's length when the body is rewritten. */
  readonly contentLength?: number;
}

/** The request as it goes upstream; ends with the empty line. Encode in latin1. */
export function writeRequestHead(head: RequestHead, line: RequestLine, options: RequestHeadOptions = {}): string {
  let text = `${head.method} ${line.target} HTTP/1.1\r\nHost: ${line.host}\r\n`;
  text += forwardedFields(head.fields, head.connection, options.without);
  if (options.extra !== undefined) text += options.extra;
  const length = options.contentLength ?? head.contentLength;
  if (head.chunked && options.contentLength === undefined) text += 'Transfer-Encoding: chunked\r\n';
  else if (length >= 0) text += `Content-Length: ${length}\r\n`;
  return `${text}\r\n`;
}

export interface ResponseHeadOptions {
  /** How the body is delimited towards the client. `as-sent`: no body follows, but the length that upstream named is kept (HEAD, 304). */
  readonly framing: 'length' | 'chunked' | 'close' | 'as-sent';
  /** With `length`. */
  readonly length?: number | undefined;
  /** Lower-case names that are left out besides the hop-by-hop ones. */
  readonly without?: ReadonlySet<string>;
  readonly keepAlive: boolean;
  /** Minor version of the client's request. */
  readonly clientMinor: 0 | 1;
}

/** The response as it goes to the build; ends with the empty line. Encode in latin1. */
export function writeResponseHead(head: ResponseHead, options: ResponseHeadOptions): string {
  let text = `HTTP/1.1 ${head.status} ${head.statusText}\r\n`;
  text += forwardedFields(head.fields, head.connection, options.without);
  if (options.framing === 'length') text += `Content-Length: ${options.length ?? 0}\r\n`;
  else if (options.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  else if (options.framing === 'as-sent' && head.contentLength >= 0) text += `Content-Length: ${head.contentLength}\r\n`;
  if (!options.keepAlive) text += 'Connection: close\r\n';
  else if (options.clientMinor === 0) text += 'Connection: keep-alive\r\n';
  return `${text}\r\n`;
}

function forwardedFields(fields: RawFields, connection: readonly string[], without: ReadonlySet<string> | undefined): string {
  let text = '';
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const lower = name.toLowerCase();
    if (notForwarded.has(lower) || without?.has(lower) === true) continue;
    // Content-* say what the body is, which was judged by them: a Connection field cannot take them away (RFC 9110 7.6.1).
    if (connection.length > 0 && connection.includes(lower) && !lower.startsWith('content-')) continue;
    text += `${name}: ${fields[index + 1] as string}\r\n`;
  }
  return text;
}
