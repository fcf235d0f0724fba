import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** One assertion as stores and snapd write it: headers, a body, and a signature over both. */
export interface Assertion {
  readonly type: string;
  /** Headers that are one line of text; lists, maps and texts of several lines are kept only as part of what is signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The bytes that the signature is over. */
  readonly signed: Buffer;
  /** Decoded from base64: a version byte and an OpenPGP signature packet. */
  readonly signature: Buffer;
}

/** Bytes of a stream of assertions; the largest honest ones (models, validation sets) have some 100 KB. */
export const assertionsLimit = 4 * 1024 * 1024;
const maxAssertions = 256;
const maxHeaders = 512 * 1024;
const headerPattern = /^([a-z0-9](?:-?[a-z0-9])*):(?: (.*))?$/;
const gap = Buffer.from('\n\n');

/**
 * Reads assertions one after the other, an empty line between them (snapd, package `asserts`: `Decoder`). Throws the reason for
 * whatever is not of the form.
 */
export function parseAssertions(bytes: Buffer): readonly Assertion[] {
  const assertions: Assertion[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (assertions.length === maxAssertions) throw limitExceeded(`there are more than ${maxAssertions} assertions`);
    const { assertion, end } = readAssertion(bytes, offset);
    assertions.push(assertion);
    offset = end;
  }
  if (assertions.length === 0) throw refusal('there is no assertion');
  return assertions;
}

function readAssertion(bytes: Buffer, start: number): { assertion: Assertion; end: number } {
  const headEnd = bytes.indexOf(gap, start);
  if (headEnd < 0) throw refusal('an assertion has no signature');
  if (headEnd - start > maxHeaders) throw limitExceeded('the headers of an assertion are too long');
  const headers = parseHeaders(bytes.toString('utf8', start, headEnd));
  const bodyLength = readBodyLength(headers['body-length']);
  const bodyStart = headEnd + gap.length;
  const signedEnd = bodyLength === 0 ? headEnd : bodyStart + bodyLength;
  if (bodyLength > 0 && !bytes.subarray(signedEnd, signedEnd + gap.length).equals(gap)) throw refusal('the body of an assertion is not as long as it says');
  const signatureStart = signedEnd + gap.length;
  const signatureEnd = bytes.indexOf(gap, signatureStart);
  const text = bytes.toString('latin1', signatureStart, signatureEnd < 0 ? bytes.length : signatureEnd).trimEnd();
  const type = headers['type'];
  if (type === undefined || !/^[a-z0-9-]{1,64}$/.test(type)) throw refusal('an assertion has no type');
  const assertion = {
    type,
    headers,
    body: bodyLength === 0 ? Buffer.alloc(0) : bytes.subarray(bodyStart, signedEnd),
    signed: bytes.subarray(start, signedEnd),
    signature: decodeBase64(text),
  };
  return { assertion, end: signatureEnd < 0 ? bytes.length : signatureEnd + gap.length };
}

function parseHeaders(text: string): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    // What is indented belongs to the header before it.
    if (line.startsWith('  ')) continue;
    const [matched, name = '', value] = headerPattern.exec(line) ?? [];
    if (matched === undefined) throw refusal('an assertion has a header that is none');
    if (headers.has(name)) throw refusal(`an assertion has the header ${JSON.stringify(name.slice(0, 64))} twice`);
    headers.set(name, value ?? '');
  }
  return Object.fromEntries(headers);
}

function readBodyLength(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^(?:0|[1-9]\d{0,8})$/.test(text)) throw refusal('an assertion has an impossible body length');
  return Number(text);
}

/** Base64 in lines, as snapd wraps it. Empty for what is none. */
export function decodeBase64(text: string): Buffer {
  const joined = text.replaceAll('\n', '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(joined) ? Buffer.from(joined, 'base64') : Buffer.alloc(0);
}
