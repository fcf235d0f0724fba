import path from 'node:path';
import { parseFileUrl } from '../object-storage/file-location.js';
import type { Settings } from '../settings/settings.js';

/** Directory of what is local in any case: bodies while they arrive, and files that composes are made of. With bodies in a bucket it is in the home. Errors: `invalid-setting`. */
export function localBlobFolder({ blobs, home }: Pick<Settings, 'blobs' | 'home'>): string {
  return blobs.startsWith('s3:') ? path.join(home, 'blobs') : parseFileUrl(blobs, 'MILLRACE_BLOBS');
}
