import type { SessionKnowledge } from '../../inspection/inspector.js';

/** `Release` and `Release.gpg` of a directory: whichever came first waits here for the other. */
export interface ReleasePart {
  readonly origin: string;
  readonly base: string;
  readonly file: 'Release' | 'Release.gpg';
}

/** Bytes of one part; in Base64 they must fit into one value of knowledge. */
export const partLimit = 3 * 1024 * 1024;

export async function rememberPart(knowledge: SessionKnowledge, part: ReleasePart, bytes: Buffer): Promise<void> {
  await knowledge.put(partKey(part), bytes.toString('base64'));
}

export async function findPart(knowledge: SessionKnowledge, part: ReleasePart): Promise<Buffer | undefined> {
  const value = await knowledge.get(partKey(part));
  return value === undefined ? undefined : Buffer.from(value, 'base64');
}

function partKey({ origin, base, file }: ReleasePart): string {
  return `apt/part/${origin}${base}${file}`;
}
