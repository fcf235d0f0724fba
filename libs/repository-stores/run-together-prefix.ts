import { MillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';

/** What HaikuPorter writes into the bucket, after the prefix. */
const files = ['repo', 'repo.info', 'repo.sha256', 'package.list'];

export interface PrefixForms {
  /** All of the bucket. */
  readonly bucket: ObjectStore;
  /** Without a slash at its end. */
  readonly prefix: string;
  readonly bucketName: string;
}

/**
 * The prefix under which a repository lies, or shall lie: HaikuPorter puts `master/current` before `packages/…` as it is, so that `master/currentpackages/…`
 * comes out, where a folder was meant. Such a repository is used as it is. Errors: `invalid-setting` when there are both.
 */
export async function findPrefix({ bucket, prefix, bucketName }: PrefixForms): Promise<string> {
  const [together, folder] = await Promise.all([repositoryAt(bucket, prefix), repositoryAt(bucket, `${prefix}/`)]);
  if (together !== undefined && folder !== undefined) {
    throw new MillraceError('invalid-setting', `bucket ${bucketName} has a repository with the prefix ${prefix}/ (${folder}) and another one written without the slash (${together})`, {
      suggestion: 'Remove the one that is out of use, or move its objects away; then start again.',
    });
  }
  return together === undefined ? `${prefix}/` : prefix;
}

/** A key that shows a repository with this prefix; undefined: none. */
async function repositoryAt(bucket: ObjectStore, prefix: string): Promise<string | undefined> {
  const heads = await Promise.all(files.map((file) => bucket.head(`${prefix}${file}`)));
  const found = heads.findIndex((head) => head !== undefined);
  if (found >= 0) return `${prefix}${files[found]}`;
  for await (const { key } of bucket.list(`${prefix}packages/`)) return key;
  return undefined;
}
