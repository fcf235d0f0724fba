import type { SessionKnowledge } from '../../inspection/inspector.js';

/** Inspections of one session that change one value at the same moment are few. */
const attempts = 50;

/**
 * Changes one value of a session's knowledge so that nothing is lost of what other inspections, in other threads and other proxy processes,
 * change meanwhile. `change` gets what is there and returns what shall be, or undefined to leave it; it may be asked more than once.
 */
export async function changeKnowledge(knowledge: SessionKnowledge, key: string, change: (before: string | undefined) => string | undefined): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const before = await knowledge.get(key);
    const after = change(before);
    if (after === undefined || after === before || (await knowledge.replace(key, before, after))) return;
  }
  throw new Error('what the session knows was changed by too many inspections at once');
}
