import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { CacheAccess, CacheCaller } from '../../../libs/cache-access/cache-access.js';
import type { EntryKind, EntryOrigin } from '../../../libs/cache/cache-entry.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';

export interface Wish {
  readonly action: 'pull' | 'push' | 'admin';
  readonly instance: string;
  /** Absent: blobs, and asking whether it may be done at all. */
  readonly key?: { readonly kind: EntryKind; readonly key: string };
}

/** Says who asks, after the cache's own rules have let them. Errors: `unauthorized` (with the ways to log in set in the answer), `forbidden`, `quota-exceeded`, `identity-unavailable`. */
export async function admitCaller(request: FastifyRequest, reply: FastifyReply, { access, action, instance, key }: Wish & { readonly access: CacheAccess }): Promise<CacheCaller> {
  try {
    const caller = await access.identify(readCredentials(request.raw));
    access.demand(caller, action, instance, key);
    return caller;
  } catch (error) {
    if (isMillraceError(error) && error.code === 'unauthorized' && access.challenges.length > 0) void reply.header('www-authenticate', [...access.challenges]);
    throw error;
  }
}

/** What a client says of where a thing comes from; the session of its credentials counts more. */
export function saidOrigin({ headers }: Pick<FastifyRequest, 'headers'>): EntryOrigin {
  const session = textOf(headers['millrace-session'], /^[\w-]{1,128}$/);
  const build = textOf(headers['millrace-build'], /^\P{C}{1,500}$/u);
  const tool = textOf(headers['user-agent']?.slice(0, 200), /^\P{C}+$/u);
  return { ...(session === undefined ? {} : { session }), ...(build === undefined ? {} : { build }), ...(tool === undefined ? {} : { tool }) };
}

function textOf(value: string | readonly string[] | undefined, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}
