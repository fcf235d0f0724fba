import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../errors/millrace-error.js';

/** Directory of a `file:` URL; `file:relative/path` and `file:/path` as well as `file:///path`. Errors: `invalid-setting`. */
export function parseFileUrl(text: string, name: string): string {
  if (!text.startsWith('file:')) throw new MillraceError('invalid-setting', `${name} must be a file: URL`);
  try {
    return path.resolve(text.startsWith('file://') ? fileURLToPath(text) : decodeURIComponent(text.slice('file:'.length)));
  } catch (cause) {
    throw new MillraceError('invalid-setting', `${name} is not a valid file: URL`, { cause });
  }
}
