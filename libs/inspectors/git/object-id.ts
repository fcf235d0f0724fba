import { createHash } from 'node:crypto';

/** Hash of a repository: all of its object ids are of one kind. */
export type ObjectFormat = 'sha1' | 'sha256';
export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** Bytes of an id. */
export const idLength: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 };

/** The format that an id in lower-case hex has; undefined for what is no id. */
export function formatOfId(text: string): ObjectFormat | undefined {
  if (!/^[0-9a-f]*$/.test(text)) return undefined;
  return text.length === 40 ? 'sha1' : text.length === 64 ? 'sha256' : undefined;
}

/** What an object's id is the hash of: `<type> <size>\0`, then the content (gitformat-pack, git-hash-object). */
export function objectHash(type: ObjectType, size: number, format: ObjectFormat): ReturnType<typeof createHash> {
  return createHash(format).update(`${type} ${size}\0`);
}
