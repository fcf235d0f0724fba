import type { FastifyRequest } from 'fastify';
import type { CacheEntry, EntryKind } from '../../../libs/cache/cache-entry.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** Names in `properties`, and the headers that they come from and go back to. */
const headers = { duration: 'x-artifact-duration', tag: 'x-artifact-tag' } as const;
const gradleType = /^application\/vnd\.gradle\.[\w.+-]{1,100}$/;
/** A signature of the client's, which we cannot check and never change. */
const tagPattern = /^[\x21-\x7e]{1,600}$/;

/** What a client says of what it pushes, as far as it wants that back. Errors: `invalid-request`. */
export function propertiesOf(kind: EntryKind, { headers: given, raw }: Pick<FastifyRequest, 'headers' | 'raw'>): Readonly<Record<string, string>> {
  if (kind === 'gradle') return typeProperty(raw.headersDistinct['content-type']?.[0]);
  if (kind !== 'turborepo') return {};
  const duration = given[headers.duration];
  const tag = given[headers.tag];
  if (duration !== undefined && !/^\d{1,15}$/.test(String(duration))) throw new MillraceError('invalid-request', `${headers.duration}: must be a number of milliseconds`);
  if (tag !== undefined && !tagPattern.test(String(tag))) throw new MillraceError('invalid-request', `${headers.tag}: must have up to 600 characters of ASCII, without spaces`);
  return { ...(duration === undefined ? {} : { duration: String(duration) }), ...(tag === undefined ? {} : { tag: String(tag) }) };
}

export function entryHeaders({ kind, properties }: Pick<CacheEntry, 'kind' | 'properties'>): Readonly<Record<string, string>> {
  if (kind !== 'turborepo') return {};
  const { duration, tag } = properties;
  return { ...(duration === undefined ? {} : { [headers.duration]: duration }), ...(tag === undefined ? {} : { [headers.tag]: tag }) };
}

/** Never what could run in a browser. */
export function mediaTypeOf(kind: EntryKind | undefined, { properties }: Pick<CacheEntry, 'properties'>): string {
  const said = properties['type'] ?? '';
  return kind === 'gradle' && gradleType.test(said) ? said : 'application/octet-stream';
}

/** Of bodies that are streamed, the framework is told another one. */
function typeProperty(type: string | undefined): Readonly<Record<string, string>> {
  return type !== undefined && gradleType.test(type) ? { type } : {};
}
