import { validateHeaderName, validateHeaderValue } from 'node:http';
import { MillraceError } from '../errors/millrace-error.js';
import { parseChecksum, type Checksum } from './checksum-sri.js';

/** How a download is to be made, as Bazel and Buck2 say it. */
export interface DownloadQualifiers {
  readonly checksum: Checksum | undefined;
  /** What names the content: all but the header fields. */
  readonly kept: Readonly<Record<string, string>>;
  /** Fields for the URI at that place of the request; lower-case names. */
  headersFor(position: number): Readonly<Record<string, string>>;
}

/** Fields hold passwords and tokens: they are sent, and never recorded. */
export function carriesCredentials(qualifier: string): boolean {
  return /^http_header(_url)?:/.test(qualifier) || qualifier === 'bazel.auth_headers';
}

/** What a client may not say in another's name: where the body ends, which host is meant, and what the proxy answers for. */
const reserved: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'expect', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'range', 'accept-encoding']);

/** Errors: `invalid-request` for a qualifier that no download of ours can honour, because a server must not pretend to. */
export function readDownloadQualifiers(qualifiers: Readonly<Record<string, string>>): DownloadQualifiers {
  const fields = Object.entries(qualifiers).flatMap(([name, value]) => headerField(name, value) ?? []);
  const kept = Object.fromEntries(Object.entries(qualifiers).filter(([name]) => !carriesCredentials(name)));
  const unknown = Object.keys(qualifiers).filter((name) => !/^http_header(_url)?:/.test(name) && name !== 'checksum.sri' && name !== 'bazel.canonical_id');
  if (unknown.length > 0) {
    throw new MillraceError('invalid-request', `not supported for a download: ${unknown.map((name) => `"${name}"`).join(', ')}`, { details: unknown.map((name) => ({ field: 'qualifiers.name', description: `"${name}" not supported` })), suggestion: 'Push such assets; a download heeds checksum.sri, bazel.canonical_id, http_header:<name> and http_header_url:<place>:<name>.' });
  }
  const checksum = qualifiers['checksum.sri'];
  return {
    checksum: checksum === undefined ? undefined : parseChecksum(checksum),
    kept,
    headersFor: (position) => Object.fromEntries(fields.filter((field) => field.position === undefined || field.position === position).sort((one, other) => (one.position ?? -1) - (other.position ?? -1)).map(({ name, value }) => [name, value])),
  };
}

interface HeaderField {
  readonly position: number | undefined;
  readonly name: string;
  readonly value: string;
}

function headerField(qualifier: string, value: string): HeaderField | undefined {
  const [, place, given] = /^http_header(?:_url:(\d{1,4}))?:(.+)$/.exec(qualifier) ?? [];
  if (given === undefined) {
    if (/^http_header/.test(qualifier)) throw new MillraceError('invalid-request', `the qualifier ${qualifier} names no field: it is http_header:<name> or http_header_url:<place>:<name>`);
    return undefined;
  }
  const name = given.toLowerCase();
  if (reserved.has(name)) throw new MillraceError('invalid-request', `the field ${name} cannot be set by the qualifier ${qualifier}`);
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new MillraceError('invalid-request', `the qualifier ${qualifier} is no header field that could be sent`);
  }
  return { position: place === undefined ? undefined : Number(place), name, value };
}
