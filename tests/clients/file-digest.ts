import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Lower-case hex of a file's SHA-256. */
export function fileSha256(file: string): string {
  return sha256(readFileSync(file));
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
