import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';

/** A place that was checked: an http(s) URL without credentials, or an absolute path. */
export type SourceLocation = { readonly kind: 'http'; readonly url: URL } | { readonly kind: 'path'; readonly path: string };

const longest = 8192;

/** Reads what a request or the metadata name: `http(s)://…`, `file:///…` or an absolute path. Throws `source-invalid`, never repeating credentials. */
export function parseLocation(text: string): SourceLocation {
  if (text.length > longest) throw tooLong();
  if (/[\0-\x1f\x7f\\]/.test(text)) throw invalid('the address of a source has a control character or a backslash');
  if (text.startsWith('/')) return { kind: 'path', path: plainPath(text, text) };
  const url = URL.parse(text);
  if (url === null || !/^[a-z]+:\/\//i.test(text)) throw invalid(`${JSON.stringify(text.slice(0, 200))} is no http(s) or file URL and no absolute path`);
  if (url.protocol === 'file:') return { kind: 'path', path: fromFileUrl(url) };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid(`sources are read over http, https or from paths, not over ${url.protocol.slice(0, 32)}`);
  if (url.username !== '' || url.password !== '') throw invalid(`the address of the source at ${url.host} has credentials in it, which would stand in logs and records`, 'Give the address without user and password; Millrace reads sources that need none.');
  url.hash = '';
  return withinLength({ kind: 'http', url });
}

/** The base of a repository: ends without a slash, has no query. Throws `source-invalid`. */
export function parseRepository(text: string): SourceLocation {
  const location = parseLocation(text);
  if (location.kind === 'path') return location;
  if (location.url.search !== '') throw invalid(`${text.slice(0, 200)} has a query: files of a repository cannot be found below it`, 'Give the base URL of the repository, the one that has repodata/ below it.');
  return { kind: 'http', url: new URL(location.url.href.replace(/\/+$/, '')) };
}

/**
 * Where a file of a repository is. `href` must lead to a place below the repository, or below `base` (`xml:base`), which may be another http(s) place for
 * any repository, and another path for local ones only. Throws `source-invalid`.
 */
export function resolveHref(repository: SourceLocation, href: string, base?: string): SourceLocation {
  const from = base === undefined || base === '' ? repository : resolveBase(repository, base);
  const segments = checkedSegments(href);
  if (from.kind === 'path') return withinLength({ kind: 'path', path: path.join(from.path, ...segments) });
  return withinLength({ kind: 'http', url: new URL(`${from.url.href.replace(/\/+$/, '')}/${segments.map(encodeURIComponent).join('/')}`) });
}

export function locationText(location: SourceLocation): string {
  return location.kind === 'http' ? location.url.href : location.path;
}

/** Encoded, an address may be several times as long as it was written. */
function withinLength(location: SourceLocation): SourceLocation {
  if (locationText(location).length > longest) throw tooLong();
  return location;
}

function resolveBase(repository: SourceLocation, base: string): SourceLocation {
  const other = parseRepository(base);
  if (repository.kind === 'http' && other.kind === 'path') throw invalid(`the metadata of ${repository.url.href} name files of this machine (xml:base ${JSON.stringify(base.slice(0, 100))})`);
  if (repository.kind === 'http' && repository.url.protocol === 'https:' && other.kind === 'http' && other.url.protocol !== 'https:') {
    throw invalid(`the metadata of ${repository.url.href} lead from https to http (xml:base ${JSON.stringify(base.slice(0, 100))})`);
  }
  return other;
}

/** Of a relative path that stays below its base in whichever way it is read. */
function checkedSegments(href: string): readonly string[] {
  const quoted = JSON.stringify(href.slice(0, 200));
  const bad = (why: string): MillraceError => invalid(`the metadata have the file ${quoted}, which ${why}`);
  if (href.length > 4096) throw bad('has too long a name');
  if (href.startsWith('/') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(href)) throw bad('is not relative to the repository');
  if (/[?#]/.test(href)) throw bad('has a query or fragment');
  const segments = href.split('/').map((segment) => decoded(segment, bad)).filter((segment, index) => !(segment === '.' && index === 0));
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..') throw bad('leads out of the repository or is no plain path');
    if (/[\0-\x1f\x7f/\\]/.test(segment)) throw bad('has a separator or a control character in a name');
    if (Buffer.byteLength(segment) > 255) throw bad('has too long a name');
  }
  if (segments.length === 0) throw bad('is no file');
  return segments;
}

/** Clients of rpm-md give hrefs to URL parsers as they are, so `%2e` is a dot. What is encoded twice stays encoded once: no reader decodes it again. */
function decoded(segment: string, bad: (why: string) => MillraceError): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw bad('has a broken percent-encoding');
  }
}

function fromFileUrl(url: URL): string {
  if (url.host !== '' && url.host !== 'localhost') throw invalid(`file URLs name no host, as ${url.host.slice(0, 100)}`);
  let decodedPath: string;
  try {
    decodedPath = decodeURIComponent(url.pathname);
  } catch {
    throw invalid('a file URL has a broken percent-encoding');
  }
  return plainPath(decodedPath, url.href);
}

function plainPath(text: string, shown: string): string {
  if (/[\0-\x1f\x7f\\]/.test(text) || text.split('/').some((part) => part === '..' || part === '.')) throw invalid(`${JSON.stringify(shown.slice(0, 200))} is no plain absolute path`);
  return path.resolve(text);
}

function tooLong(): MillraceError {
  return invalid(`a source has an address of more than ${longest} characters`);
}

function invalid(message: string, suggestion?: string): MillraceError {
  return new MillraceError('source-invalid', message, suggestion === undefined ? {} : { suggestion });
}
