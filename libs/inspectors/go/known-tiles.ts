import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';

/** Where a tile of hashes lies in the tree of a database. */
export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

/** Remembers a tile of a database. A partial one never replaces one that begins with it; what they hold is proved only when it is used. */
export async function rememberTile(
  { knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>,
  database: string,
  { place, bytes }: { place: TilePlace; bytes: Buffer },
): Promise<void> {
  const known = await readTile(knowledge, database, place);
  signal?.throwIfAborted();
  if (known?.subarray(0, bytes.length).equals(bytes) !== true) await knowledge.put(keyOf(database, place), bytes.toString('base64'));
}

export async function readTile(knowledge: SessionKnowledge, database: string, place: TilePlace): Promise<Buffer | undefined> {
  const value = await knowledge.get(keyOf(database, place));
  return value === undefined ? undefined : Buffer.from(value, 'base64');
}

function keyOf(database: string, { level, index }: TilePlace): string {
  return `go/tile/${database}/${level}/${index}`;
}
