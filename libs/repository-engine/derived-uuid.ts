import { createHash } from 'node:crypto';

/** The same for the same text: whoever asks twice asks for the same. A UUID of version 8, which is what one makes of a digest. */
export function derivedUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
