import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../../libs/settings/settings.js';

/** Directory of the blob store: what fetch-service calls its spool. */
export function spoolRoot(settings: Pick<Settings, 'blobs'>): string {
  return settings.blobs.startsWith('file://') ? fileURLToPath(settings.blobs) : path.resolve(settings.blobs.replace(/^file:/, ''));
}
