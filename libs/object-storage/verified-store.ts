import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { MillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from './object-store.js';
import { passThrough } from './pass-through.js';

/** What is read whole has the digest that it was written with, where that is known: disks and caches on the way change bytes, too. */
export function verifiedStore(store: ObjectStore): ObjectStore {
  return {
    ...store,
    async get(key, options) {
      const body = await store.get(key, options);
      if (body.sha256 === undefined || options?.range !== undefined) return body;
      return { ...body, content: verifiedContent(body.content, body.sha256, key) };
    },
  };
}

/** The same bytes; the last ones come only when all of them have the digest, so that nobody takes a wrong object for a whole one. Errors: `digest-mismatch`. */
export function verifiedContent(content: Readable, sha256: string, what: string): Readable {
  async function* verified(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let held: Buffer | undefined;
    for await (const chunk of chunks) {
      hash.update(chunk);
      if (held !== undefined) yield held;
      held = chunk;
    }
    const digest = hash.digest('hex');
    if (digest !== sha256) throw new MillraceError('digest-mismatch', `${what} was read with sha256 ${digest} in the place of ${sha256}`, { suggestion: 'The object is damaged where it is stored, or on its way: check the repository.' });
    if (held !== undefined) yield held;
  }

  return passThrough(content, verified);
}
