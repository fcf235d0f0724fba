import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';

/** The state of a database's tree. */
export interface TreeHead {
  /** Records in it. */
  readonly size: number;
  /** Root hash in base64. */
  readonly root: string;
}

const maxHeads = 32;
const maxAttempts = 8;

/** Throws the reason when the text of a note is not that of a tree. */
export function parseTreeHead(text: string): TreeHead {
  const [title, size = '', root = ''] = text.split('\n', 4);
  if (title !== 'go.sum database tree' || !/^\d{1,15}$/.test(size) || !/^[A-Za-z0-9+/]{43}=$/.test(root)) throw refusal("the checksum database's note is not one of its tree");
  return { size: Number(size), root };
}

/** Keeps the largest verified trees: `go` checks records in the newest one that it has seen. */
export async function rememberTreeHead({ knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>, database: string, head: TreeHead): Promise<void> {
  // Lookups run side by side, in several processes: whoever finds its tree gone again puts it back.
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const known = await findTreeHeads(knowledge, database);
    if (known.some(({ size, root }) => size === head.size && root === head.root)) return;
    const heads = [head, ...known].sort((one, other) => other.size - one.size).slice(0, maxHeads);
    signal?.throwIfAborted();
    await knowledge.put(keyOf(database), JSON.stringify(heads));
  }
}

export async function findTreeHeads(knowledge: SessionKnowledge, database: string): Promise<readonly TreeHead[]> {
  const value = await knowledge.get(keyOf(database));
  return value === undefined ? [] : (JSON.parse(value) as TreeHead[]); // written by this file only
}

function keyOf(database: string): string {
  return `go/heads/${database}`;
}
