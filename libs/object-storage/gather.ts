import { MillraceError } from '../errors/millrace-error.js';

/** Exactly so many bytes of a stream. Errors: `storage-unavailable` when there are more or fewer. */
export async function gather(content: AsyncIterable<Buffer>, length: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let gathered = 0;
  for await (const chunk of content) {
    gathered += chunk.length;
    if (gathered > length) break;
    chunks.push(chunk);
  }
  if (gathered !== length) throw new MillraceError('storage-unavailable', `the store gave ${gathered > length ? 'more' : 'less'} of ${what} than the ${length} bytes that it has`);
  return Buffer.concat(chunks, length);
}
