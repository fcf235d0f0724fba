import { parseBucketUrl } from '../object-storage/bucket-location.js';
import type { Bucket } from '../object-storage/open-bucket.js';

/** Loaded where it is needed only: the SDK takes longer to load than a small compose takes to make. */
export async function openComposeBucket(url: string): Promise<Bucket> {
  const { openBucket } = await import('../object-storage/open-bucket.js');
  return openBucket(parseBucketUrl(url, 'MILLRACE_COMPOSE_BUCKET'));
}
